"""Which credentials there are for a person: find, list, default. Nothing is changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Case, F, When

from providers import provider as interface
from providers import resolver
from sessions_app.errors import Invalid, NotAllowed, NotFound
from sessions_app.models.authentication import (
    SavedAuthentication,
    SavedAuthenticationQuerySet,
)
from sessions_app.person import Person


def list_credentials(*, user: Person) -> SavedAuthenticationQuerySet:
    """What this person may use, with owner and team loaded."""
    return SavedAuthentication.objects.visible_to(user).select_related("owner", "team")


def credential_for(*, user: Person, credential_id: UUID | str) -> SavedAuthentication:
    """One credential this person may use. Raises NotFound, also for foreign ids."""
    row = _pick(list_credentials(user=user), credential_id)
    if row is None:
        raise _not_found()
    return row


def managed_credential(
    *, user: Person, credential_id: UUID | str
) -> SavedAuthentication:
    """One credential this person may change. Raises NotFound, NotAllowed."""
    rows = SavedAuthentication.objects.select_related("owner", "team")
    row = _pick(rows.managed_by(user), credential_id)
    if row is not None:
        return row
    credential_for(user=user, credential_id=credential_id)
    raise NotAllowed(
        "Only the owner of this credential, or staff, may change it. You may use it."
    )


def testable_credential(
    *, user: Person, credential_id: UUID | str
) -> SavedAuthentication:
    """One credential this person may use or manage: staff may test what it manages."""
    rows = SavedAuthentication.objects.all()
    row = _pick(rows.managed_by(user), credential_id)
    return row or credential_for(user=user, credential_id=credential_id)


def find_credential(
    *,
    user: Person,
    name: str,
    provider: str = "",
    auth_type: str = "",
    to_manage: bool = False,
) -> SavedAuthentication:
    """One credential by its name: to use it, or `to_manage` it.

    Raises NotFound, Invalid when several have the name.
    """
    rows = list_credentials(user=user)
    if to_manage:
        rows = SavedAuthentication.objects.managed_by(user)
    facts = {"provider": provider, "auth_type": auth_type}
    rows = rows.filter(name=name, **{k: v for k, v in facts.items() if v})
    found = list(rows[:2])
    if not found:
        of = f" of {provider}" if provider else ""
        raise NotFound(
            f"There is no credential named {name!r}{of} that you may "
            f"{'change' if to_manage else 'use'}.",
            field="name",
        )
    if len(found) > 1:
        field = "auth_type" if found[0].provider == found[1].provider else "provider"
        raise Invalid(
            f"Several credentials are named {name!r}: say which {field}.", field=field
        )
    return found[0]


def default_credential(
    *, user: Person, provider: str = ""
) -> SavedAuthentication | None:
    """The one to begin with, or None: real before demo, usable first, one's own before
    what others lend, last used first (by anybody: who lends one must not draw questions).

    A refused real credential comes after a demo that answers, never instead of it.
    """
    installed = [provider] if provider else list(resolver.providers())
    rows = list_credentials(user=user).filter(provider__in=installed)
    is_lent = Case(When(owner=cast(int, user.pk), then=0), default=1)
    newest = rows.order_by(
        "is_demo", is_lent, F("last_used_at").desc(nulls_last=True), "-inserted_at"
    )
    usable = newest.filter(state=SavedAuthentication.State.OK)
    return usable.first() or newest.first()


def credential_view(row: SavedAuthentication) -> dict[str, Any]:
    """A credential as plain JSON data, for commands and pages: all but the secret.

    `condition` is how it is at this moment; `modes` what a login of this kind may be
    switched to; `refresh_error` why the last renewal brought nothing.
    """
    times = ("expires_at", "last_checked_at", "last_used_at", "inserted_at")
    logins = ("limited_until", "last_refresh_at", "refresh_at")
    facts = row.metadata
    return {
        "id": str(row.pk),
        "provider": row.provider,
        "auth_type": row.auth_type,
        "name": row.name,
        "base_url": row.base_url,
        "metadata": facts,
        "owner": row.owner.get_username() if row.owner else None,
        "team": row.team.name if row.team else None,
        "is_shared_with_everyone": row.is_shared_with_everyone,
        "is_demo": row.is_demo,
        "is_personal": row.is_personal,
        "state": row.state,
        "condition": str(row.condition_at()),
        "cause": row.cause,
        "account": str(facts.get("email") or facts.get("account_id") or ""),
        "plan": str(facts.get("plan", "")),
        "mode": str(facts.get("mode", "")),
        "modes": _modes(row),
        "mode_choice": str(facts.get("mode_choice", "")),
        "warning": str(facts.get("warning", "")),
        "refresh_error": (row.refresh_error or {}).get("message", ""),
        **{name: _iso(getattr(row, name)) for name in (*times, *logins)},
    }


def _modes(row: SavedAuthentication) -> list[str]:
    if row.provider not in resolver.providers():
        return []  # its package is gone; the row still shows
    return interface.modes_of(row.provider, row.metadata)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _pick(
    rows: SavedAuthenticationQuerySet, credential_id: UUID | str
) -> SavedAuthentication | None:
    try:
        return rows.filter(pk=credential_id).first()
    except (ValidationError, ValueError, TypeError):
        return None  # a malformed id is an id that leads nowhere


def _not_found() -> NotFound:
    return NotFound("There is no such credential, or it is not yours to use.")
