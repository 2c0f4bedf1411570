"""The same source audited again, in the same way, and compared with the last time.

Called by the page. A path of the workspace is read anew, by the rules of now; texts that
were pasted or chosen are those of then, where they are kept.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from context_app.models import Audit, AuditSource
from context_app.services import audits as kept
from context_app.tools.base import Place
from sessions_app.errors import Invalid, NotFound
from sessions_app.person import Person
from sessions_app.runs.audits import auditing, sources
from sessions_app.runs.audits.working import Source
from sessions_app.services.credentials import credential_for

NOT_KEPT = (
    "What was audited then is not kept here, so that it cannot be read again. Begin a new "
    "audit and give it the same name: it is compared with this one."
)


class Again(NamedTuple):
    """An audit that has begun, and files that it leaves out, with the reason."""

    row: Audit
    left_out: dict[str, str]


def again(user: Person, audit_id: UUID) -> Again:
    """Begin it; returns at once. Raises NotFound, Invalid, TooLarge, LimitReached."""
    row = kept.audit_for(user, audit_id)
    if row.state == Audit.State.RUNNING:
        raise Invalid("It is still at work. Wait for it, or stop it.")
    known = AuditSource.objects.filter(audit=row).first()
    if known is None:
        raise Invalid(NOT_KEPT)
    credential_id = _credential(user, row, known)
    source: Source
    left_out: dict[str, str] = {}
    place = None
    if known.path:
        place = Place(known.path, known.pattern)
        found = sources.of_workspace(user, *place)
        source, left_out = found.files, found.left_out | found.refused
    else:
        source = known.unpack()
    begun = auditing.start(
        user=user,
        source=source,
        name=row.source_name,
        credential_id=credential_id,
        model=row.model,
        options=known.options,
        place=place,
    )
    return Again(begun, left_out)


def _credential(user: Person, row: Audit, known: AuditSource) -> UUID:
    """The one of then, if they may still use it. Raises Invalid."""
    if known.credential_id is not None:
        try:
            return credential_for(user=user, credential_id=known.credential_id).pk
        except NotFound:
            pass
    raise Invalid(
        f"The credential “{row.credential_name}” is gone or no longer shared with you. "
        "Begin a new audit with another one and the same name: the two are compared."
    )
