"""Who somebody is here that an identity provider vouched for.

An identity is (issuer, subject), and nothing else: an e-mail address never leads to an
account that is there. It becomes an account by an invitation, by the domain of a verified
address, or by its owner, who is signed in and connects it.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from sessions_app.errors import Invalid, NotAllowed
from sessions_app.models import Membership, Team
from sessions_app.services.people import accounts, invitations

log = logging.getLogger(__name__)

# Its app is installed only where there is an issuer.
_IDENTITIES = ("socialaccount", "SocialAccount")
_UNFIT = re.compile(r"[^\w.@+-]+")


def issuer_key(issuer: str) -> str:
    """What identities of an issuer are kept under: another issuer, other identities."""
    return f"oidc-{hashlib.sha256(issuer.encode()).hexdigest()[:20]}"


def identity(found: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """(subject, claims) of an issuer's answer. Raises NotAllowed when it contradicts itself.

    `found`: what the library read, the id token's claims and those of the user info.
    """
    signed = found.get("id_token") or {}
    asked = found.get("userinfo") or {}
    subject = str(signed.get("sub") or "")
    issuer = str(signed.get("iss") or "").rstrip("/")
    # OpenID Connect Core 5.3.2: the user info may be about somebody else.
    is_one = not asked or str(asked.get("sub")) == subject
    if not subject or issuer != settings.MAESTRO_SSO_ISSUER or not is_one:
        raise NotAllowed("The sign-in service's answer does not fit. Try again.")
    return subject, {**signed, **asked}


def account_of(subject: str) -> User | None:
    """Whose identity this is. Raises NotAllowed when that account is closed."""
    row = _identities().filter(uid=subject).select_related("user").first()
    if row is None:
        return None
    user: User = row.user
    if not user.is_active:
        raise NotAllowed("Your account here is closed. Ask your administrator.")
    return user


def is_connected(user: User) -> bool:
    """Whether somebody may come by single sign-on."""
    return bool(_identities().filter(user=user).exists())


def connect(*, user: User, subject: str, claims: Mapping[str, Any]) -> None:
    """This identity is theirs from now on. Raises NotAllowed if it is somebody's."""
    row = _identities().filter(uid=subject).first()
    if row is not None and row.user_id != user.pk:
        raise NotAllowed("That identity belongs to another account here.")
    if row is None:
        _add(user, subject, claims)
        log.info("sso.connected", extra={"user_id": user.pk})


def join(*, subject: str, claims: Mapping[str, Any], invitation: str = "") -> User:
    """A new account for a new identity. Raises NotAllowed, NotFound, Invalid.

    With an invitation (its hash), as invited; without, for verified addresses of the
    domains that the operator named.
    """

    def make() -> User:
        user = _new_person(claims)
        _add(user, subject, claims)
        return user

    if invitation:
        return invitations.accept_by(token_hash=invitation, make=make)
    if not is_welcome(claims):
        raise NotAllowed(
            "You are who you say, but nobody invited you. Ask for an invitation; or, if "
            "you have an account here, sign in with its password and connect your "
            "identity on the page Account."
        )
    with transaction.atomic():
        user = make()
        team = Team.objects.filter(name=settings.MAESTRO_SSO_TEAM).first()
        if team is not None:
            Membership.objects.create(team=team, user=user)
        elif settings.MAESTRO_SSO_TEAM:
            log.warning("sso.no_such_team", extra={"user_id": user.pk})
    log.info("sso.joined", extra={"user_id": user.pk})
    return user


def is_welcome(claims: Mapping[str, Any]) -> bool:
    """Whether the issuer verified an address of a domain that may join."""
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        return False
    name, at, domain = email.rpartition("@")
    allowed = {found.lower().lstrip("@") for found in settings.MAESTRO_SSO_DOMAINS}
    return bool(name and at and domain.lower() in allowed)


def _new_person(claims: Mapping[str, Any]) -> User:
    """With a free name, after what the issuer says; with no password.

    The rules are those of names that people choose (`accounts.py`), but nothing is
    refused: what does not fit is written otherwise.
    """
    told = str(claims.get("preferred_username") or claims.get("email") or "person")
    wanted, _, _ = accounts.normalized(told).partition("@")
    base = _UNFIT.sub("_", wanted)[:100].strip("_.") or "person"
    shown = "".join(c for c in str(claims.get("name") or "") if c.isprintable())[:80]
    email = str(claims.get("email") or "")[:254]
    for number in range(1, 1000):
        name = base if number == 1 else f"{base}-{number}"
        if accounts.is_taken(name):
            continue
        user = User(username=name, first_name=shown, email=email)
        user.set_unusable_password()
        accounts.save_new(user)
        return user
    raise Invalid("No free user name was found for you. Ask your administrator.")


def _add(user: User, subject: str, claims: Mapping[str, Any]) -> None:
    try:
        with transaction.atomic():
            _identities().create(
                provider=issuer_key(settings.MAESTRO_SSO_ISSUER),
                uid=subject,
                user=user,
                extra_data={"email": str(claims.get("email") or "")[:254]},
            )
    except IntegrityError:
        raise NotAllowed("That identity came in just now. Sign in again.") from None


def _identities() -> Any:
    """The library's table; it is there only where single sign-on is set up."""
    model: Any = apps.get_model(*_IDENTITIES)
    return model._default_manager.filter(
        provider=issuer_key(settings.MAESTRO_SSO_ISSUER)
    )
