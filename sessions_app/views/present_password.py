"""Asks once more who is there, before what outlives a session: a new password, a new way
to sign in. An open page, or a stolen session, is not the person."""

from __future__ import annotations

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest

from sessions_app.errors import Invalid

FIELD = "old"


def check(request: HttpRequest, user: User) -> None:
    """Raises Invalid unless the form says the present password.

    It is guessed no more often here than at the sign-in; who has none cannot be asked.
    """
    if not user.has_usable_password():
        raise Invalid("Ask an administrator for a link to choose a password first.")
    name = {"username": user.get_username()}
    if not AxesProxyHandler.is_allowed(request, name):
        raise Invalid("Too many wrong passwords. Try again later.", field=FIELD)
    if not user.check_password(request.POST.get(FIELD, "")):
        user_login_failed.send(sender=__name__, credentials=name, request=request)
        raise Invalid("That is not your present password.", field=FIELD)
