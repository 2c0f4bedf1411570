"""The admin of this app: credentials, teams, limits. It shows states, never a secret."""

from sessions_app.admin.credentials import CredentialAdmin
from sessions_app.admin.teams import TeamAdmin
from sessions_app.admin.usage import UsageDayAdmin, UsageLimitAdmin

__all__ = ["CredentialAdmin", "TeamAdmin", "UsageDayAdmin", "UsageLimitAdmin"]
