"""The tables of this app, one module a noun."""

from sessions_app.models.authentication import SavedAuthentication
from sessions_app.models.conversation import Conversation, Message
from sessions_app.models.installation import (
    AuthenticationBackup,
    EncryptionCanary,
    InstallationFact,
)
from sessions_app.models.login import PendingLogin
from sessions_app.models.process import ServerProcess
from sessions_app.models.run import Run, RunAttempt, RunBatch, Steering
from sessions_app.models.team import Membership, Team
from sessions_app.models.usage import UsageCounter, UsageDay, UsageHold, UsageLimit

__all__ = [
    "AuthenticationBackup",
    "Conversation",
    "EncryptionCanary",
    "InstallationFact",
    "Membership",
    "Message",
    "PendingLogin",
    "Run",
    "RunAttempt",
    "RunBatch",
    "SavedAuthentication",
    "ServerProcess",
    "Steering",
    "Team",
    "UsageCounter",
    "UsageDay",
    "UsageHold",
    "UsageLimit",
]
