"""The admin of this app: credentials and teams. It shows states, never a secret."""

from sessions_app.admin.credentials import CredentialAdmin
from sessions_app.admin.teams import TeamAdmin

__all__ = ["CredentialAdmin", "TeamAdmin"]
