"""How a conversation's answers are tried: how often, and by whom else.

Called by views. The choice is the owner's; each new question takes it along.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sessions_app.errors import Invalid, NotFound
from sessions_app.models import Conversation, SavedAuthentication
from sessions_app.models.authentication import Condition
from sessions_app.person import Person
from sessions_app.services.credentials import credential_for

MAX_ATTEMPTS = 10
MAX_TOTAL_S = 900
MAX_FALLBACKS = 5


def retry_of(attempts: Any, total_s: Any) -> dict[str, int]:
    """A checked choice: attempts 1 (never again) to 10, seconds 0 to 900. Raises Invalid."""
    if not isinstance(attempts, int) or not 1 <= attempts <= MAX_ATTEMPTS:
        raise Invalid(
            f"attempts is a whole number from 1 to {MAX_ATTEMPTS}.", field="retry"
        )
    if not isinstance(total_s, int) or not 0 <= total_s <= MAX_TOTAL_S:
        raise Invalid(
            f"total_s is a whole number of seconds from 0 to {MAX_TOTAL_S}.",
            field="retry",
        )
    return {"attempts": attempts, "total_s": total_s}


def fallbacks_of(user: Person, chosen: list[tuple[UUID, str]]) -> list[dict[str, str]]:
    """Checked fallbacks, in their order; only what this person may use. Raises Invalid."""
    if len(chosen) > MAX_FALLBACKS:
        raise Invalid(f"At most {MAX_FALLBACKS} fallbacks.", field="fallbacks")
    found = []
    for credential_id, model in chosen:
        try:
            row = credential_for(user=user, credential_id=credential_id)
        except NotFound as exc:
            raise Invalid(exc.message, field="fallbacks") from None
        if not model or len(model) > 200 or not model.isprintable():
            raise Invalid(
                f"Choose a model for the fallback “{row.name}”.", field="fallbacks"
            )
        found.append({"credential_id": str(row.pk), "model": model})
    return found


def answering_of(user: Person, conversation: Conversation) -> dict[str, Any]:
    """What was chosen, for the page: `retry` (None: the operator's) and `fallbacks`,
    each with its name and provider; one that is gone says so by `is_usable`."""
    keys = [row["credential_id"] for row in conversation.fallbacks]
    rows = SavedAuthentication.objects.visible_to(user).in_bulk(keys)
    mine = {str(key): row for key, row in rows.items()}
    return {
        "retry": conversation.retry,
        "fallbacks": [
            {**chosen, **_named(mine.get(chosen["credential_id"]))}
            for chosen in conversation.fallbacks
        ],
    }


def _named(row: SavedAuthentication | None) -> dict[str, Any]:
    if row is None:
        return {"name": "", "provider": "", "auth_type": "", "is_usable": False}
    return {
        "name": row.name,
        "provider": row.provider,
        "auth_type": row.auth_type,
        "is_usable": row.condition_at()
        in (Condition.OK, Condition.EXPIRING, Condition.REFRESHING),
    }
