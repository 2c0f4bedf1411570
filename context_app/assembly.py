"""From stored messages to what is sent: pure, deterministic, without a database.

Called by the run's step. The transcript never changes; what is left out here is left out
of the request only. Budgets, chunks and their explanation grow here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from providers.types import Message, Origin, Part, RefusalPart, TextPart


class StoredMessage(Protocol):
    """What assembly reads of a stored message; `parts` and `origin` are JSON data."""

    @property
    def role(self) -> str: ...

    @property
    def parts(self) -> Any: ...

    @property
    def origin(self) -> Any: ...


def assemble(branch: Sequence[StoredMessage]) -> list[Message]:
    """The messages of a branch, root first, as a dialect encodes them.

    Left out: answers that said nothing (failed or stopped before their first word). A
    question whose answer failed stays: it was asked. Parts that a newer version stored
    and this one does not know are left out too. A refusal goes back as the words it was.
    """
    found = []
    for stored in branch:
        parts = _parts(stored.parts)
        if parts:
            found.append(
                Message(
                    role=_role(stored.role), parts=parts, origin=_origin(stored.origin)
                )
            )
    return found


def _parts(stored: Any) -> list[Part]:
    parts: list[Part] = []
    for data in stored or ():
        try:
            part = msgspec.convert(data, Part)
        except msgspec.ValidationError:
            continue
        if isinstance(part, TextPart) and not part.text.strip() and not part.state:
            continue
        if isinstance(part, RefusalPart):
            part = TextPart(text=part.text)
        parts.append(part)
    return parts


def _role(role: str) -> Any:
    return role if role in ("user", "assistant", "tool") else "user"


def _origin(stored: Any) -> Origin | None:
    if not stored:
        return None
    try:
        return msgspec.convert(stored, Origin)
    except msgspec.ValidationError:
        return None
