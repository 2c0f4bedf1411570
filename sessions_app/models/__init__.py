"""The tables of this app, one module a noun."""

from sessions_app.models.authentication import SavedAuthentication
from sessions_app.models.browser import SignedInBrowser
from sessions_app.models.conversation import (
    Conversation,
    ConversationShare,
    Message,
    Verb,
)
from sessions_app.models.installation import (
    AuthenticationBackup,
    EncryptionCanary,
    InstallationFact,
)
from sessions_app.models.invitation import Invitation
from sessions_app.models.login import PendingLogin
from sessions_app.models.process import ServerProcess
from sessions_app.models.run import Run, RunAttempt, RunBatch, Steering
from sessions_app.models.team import Membership, Role, Team
from sessions_app.models.usage import UsageCounter, UsageDay, UsageHold, UsageLimit

__all__ = [
    "AuthenticationBackup",
    "Conversation",
    "ConversationShare",
    "EncryptionCanary",
    "InstallationFact",
    "Invitation",
    "Membership",
    "Message",
    "PendingLogin",
    "Role",
    "Run",
    "RunAttempt",
    "RunBatch",
    "SavedAuthentication",
    "ServerProcess",
    "SignedInBrowser",
    "Steering",
    "Team",
    "UsageCounter",
    "UsageDay",
    "UsageHold",
    "UsageLimit",
    "Verb",
]
