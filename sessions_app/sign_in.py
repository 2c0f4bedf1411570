"""Backends beside Django's own: who may have a password, and whom an issuer vouched for.

Named in `maestro/settings.py` where single sign-on is set up. A session belongs to the
backend it was begun with, so that forbidding passwords ends their sessions too.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import User

SSO = "sessions_app.sign_in.SsoBackend"


class BreakGlass(ModelBackend):
    """Passwords only for those with all rights: for the day the issuer is away."""

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(super().user_can_authenticate(user) and user.is_superuser)


class SsoBackend(BaseBackend):
    """Sessions of people who came by single sign-on. It takes no password."""

    def get_user(self, user_id: Any) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()
