"""The frames of `/ws/chat/`, both ways. `docs/frames.md` is made from this module.

Every frame is one JSON object with a `type`. A client ignores types it does not know and
fields it does not know; the server refuses both, with an `error` frame that says which.

    client                         server
      hello ───────────────────────▶
            ◀─────────────────────── ready
      send ────────────────────────▶  (stored before the vendor is called)
            ◀─────────────────────── accepted, run, batch, batch …, run, message
      follow (after a reconnect) ──▶
            ◀─────────────────────── run, batch (from the log), …

Events in a `batch` are `providers.events`, numbered consecutively from `first` to `last`
within the run's `epoch`. A reader keeps (epoch, seq) per run; what it already has, it
drops; when a new epoch begins, `rewind` tells it up to which number the old one counts.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec

from sessions_app.frame_views import (
    AuditView,
    AuthorView,
    ChunkView,
    ConversationView,
    CredentialNotice,
    CredentialRef,
    GaugeView,
    IntentView,
    MessageView,
    RunView,
)

__all__ = [
    "AuditView",
    "AuthorView",
    "ChunkView",
    "ConversationView",
    "CredentialNotice",
    "CredentialRef",
    "GaugeView",
    "IntentView",
    "MessageView",
    "RunView",
]

PROTOCOL = 1

# A frame's size in bytes, and text of one message in characters.
MAX_FRAME_BYTES = 1_000_000
MAX_TEXT = 400_000


class _Inbound(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag=str.lower,
    forbid_unknown_fields=True,
):
    """Base of what a client may say."""


class Hello(_Inbound, frozen=True):
    """First frame: the socket token of the page (`data-socket-token`)."""

    token: str


class Position(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a reader has come in a run; (0, 0) is nothing yet."""

    run_id: UUID
    epoch: int = 0
    seq: int = 0


class Follow(_Inbound, frozen=True):
    """Show me this conversation's runs, live, from these positions on."""

    conversation_id: UUID
    positions: list[Position] = []


class Unfollow(_Inbound, frozen=True):
    """No more of this conversation."""

    conversation_id: UUID


class Send(_Inbound, frozen=True):
    """A question. No conversation: begin one. No parent: under the shown leaf.

    The same `client_message_id` twice is the same question: nothing is sent twice.
    """

    client_message_id: str
    text: str
    conversation_id: UUID | None = None
    parent_id: UUID | None = None
    credential_id: UUID | None = None
    model: str | None = None
    reasoning_effort: str | None = None
    tools: bool = False


class Regenerate(_Inbound, frozen=True):
    """Another answer beside this one, perhaps by another credential or model."""

    client_message_id: str
    message_id: UUID
    credential_id: UUID | None = None
    model: str | None = None
    reasoning_effort: str | None = None
    tools: bool = False


class Edit(_Inbound, frozen=True):
    """The question, put differently: a new branch beside the old one."""

    client_message_id: str
    message_id: UUID
    text: str
    credential_id: UUID | None = None
    model: str | None = None
    reasoning_effort: str | None = None
    tools: bool = False


class Stop(_Inbound, frozen=True):
    """End this run; what has arrived is kept."""

    run_id: UUID


class Continue(_Inbound, frozen=True, tag="continue"):
    """Ask for the rest of an answer that broke off (see `can_continue` of a run)."""

    run_id: UUID


class Steer(_Inbound, frozen=True):
    """Say something to an answer that is on its way: it goes on with this in view (event
    `steered`). Too late, and it becomes a question of its own (`accepted`)."""

    run_id: UUID
    client_message_id: str
    text: str


class Decide(_Inbound, frozen=True):
    """Let a tool call run, or not. `for_conversation`: and do not ask about this tool, up
    to this risk, again here. `words`: why not, for the model."""

    intent_id: UUID
    approve: bool
    for_conversation: bool = False
    words: str = ""


class Context(_Inbound, frozen=True):
    """Show me this conversation's context, as this credential and model would get it with
    the next message; the conversation's own when they are not said."""

    conversation_id: UUID
    credential_id: UUID | None = None
    model: str | None = None
    tools: bool = False


class Ack(_Inbound, frozen=True):
    """I have drawn everything up to here (flow control; see docs/frames.md)."""

    run_id: UUID
    epoch: int
    seq: int


class Ping(_Inbound, frozen=True):
    """Are you there? Answered by `pong`."""


ClientFrame: TypeAlias = (
    Hello
    | Follow
    | Unfollow
    | Send
    | Regenerate
    | Edit
    | Stop
    | Steer
    | Continue
    | Decide
    | Context
    | Ack
    | Ping
)


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

decode_client_frame = msgspec.json.Decoder(ClientFrame).decode
encode_frame = msgspec.json.Encoder().encode
