"""What the server says. A page ignores types and fields it does not know."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from sessions_app.frames.views import (
    AuditView,
    ChunkView,
    ConversationView,
    CredentialNotice,
    GaugeView,
    IntentView,
    MessageView,
    RunView,
)

PROTOCOL = 1


class _Outbound(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower
):
    """Base of what the server says."""


class Ready(_Outbound, frozen=True):
    """The socket is open and authenticated."""

    protocol: int = PROTOCOL


class Accepted(_Outbound, frozen=True):
    """Your message is stored. `again` when it had been before (a resend)."""

    client_message_id: str
    conversation: ConversationView
    question: MessageView
    answer: MessageView
    run: RunView
    again: bool = False


class Run(_Outbound, frozen=True):
    """A run changed its state."""

    run: RunView


class Batch(_Outbound, frozen=True):
    """Consecutive events of one run."""

    run_id: UUID
    epoch: int
    first: int
    last: int
    events: list[dict[str, Any]]


class Rewind(_Outbound, frozen=True):
    """The run was taken over: of `epoch` only numbers up to `seq` count."""

    run_id: UUID
    epoch: int
    seq: int


class MessageFrame(_Outbound, frozen=True, tag="message"):
    """A message reached its final form (the answer of a run that is over)."""

    message: MessageView


class ConversationFrame(_Outbound, frozen=True, tag="conversation"):
    """A conversation changed (title, archived, last activity)."""

    conversation: ConversationView


class IntentFrame(_Outbound, frozen=True, tag="intent"):
    """A tool call was asked for, decided, begun or answered."""

    intent: IntentView


class ContextFrame(_Outbound, frozen=True, tag="context"):
    """The context of a conversation: the whole of it (`is_whole`), or what changed.

    `chunks` come in the order in which they are sent; with a change, those that are new
    or different, and in `removed` those that are gone. `older`: parts of the transcript
    that are not listed, how many and how many tokens of them are sent.
    """

    conversation_id: UUID
    chunks: list[ChunkView]
    gauge: GaugeView
    is_whole: bool = False
    removed: list[UUID] = []
    older: int = 0
    older_tokens: int = 0


class ContextChanged(_Outbound, frozen=True, tag="context_changed"):
    """It is not what you have seen any more: ask again with `context`. Null: words from
    the library changed, perhaps in any conversation of yours."""

    conversation_id: UUID | None = None


class CredentialFrame(_Outbound, frozen=True, tag="credential"):
    """A credential of yours changed: it was renewed, is limited, or needs a login."""

    credential: CredentialNotice


class AuditFrame(_Outbound, frozen=True, tag="audit"):
    """A code audit of yours began, came further, or is over."""

    audit: AuditView


class Error(_Outbound, frozen=True):
    """Something you asked for was refused. `message` says what to do.

    Codes: bad_frame, too_large, not_found, refused, limited, unavailable, storage_full
    (reading goes on). With `limited` goes `retry_after_s`, when asking again may help,
    and `limit`: which one it is.
    """

    code: Literal[
        "bad_frame",
        "too_large",
        "not_found",
        "refused",
        "limited",
        "unavailable",
        "storage_full",
    ]
    message: str
    client_message_id: str | None = None
    run_id: UUID | None = None
    conversation_id: UUID | None = None  # that you follow no more
    retry_after_s: float | None = None
    limit: dict[str, Any] | None = None


class Pong(_Outbound, frozen=True):
    """Here I am."""


ServerFrame: TypeAlias = (
    Ready
    | Accepted
    | Run
    | Batch
    | Rewind
    | MessageFrame
    | ConversationFrame
    | IntentFrame
    | ContextFrame
    | ContextChanged
    | CredentialFrame
    | AuditFrame
    | Error
    | Pong
)
