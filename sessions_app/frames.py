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


class Decide(_Inbound, frozen=True):
    """Let a tool call run, or not. `for_conversation`: and do not ask about this tool, up
    to this risk, again here. `words`: why not, for the model."""

    intent_id: UUID
    approve: bool
    for_conversation: bool = False
    words: str = ""


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
    | Continue
    | Decide
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


class CredentialRef(msgspec.Struct, frozen=True, kw_only=True):
    """A credential as people name it."""

    provider: str
    auth_type: str
    name: str
    id: UUID | None = None


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """A run as the page shows it. `cost_usd` is an estimate by `price_date` prices.

    `retry_at` is set while it waits to ask again. `can_continue`: its answer broke off,
    and its vendor documents how the rest is asked for.
    """

    id: UUID
    conversation_id: UUID
    question_id: UUID
    answer_id: UUID
    status: str
    cause: str
    credential: CredentialRef
    model: str
    epoch: int
    seq: int
    is_demo: bool = False
    error: dict[str, Any] | None = None
    retry_at: str | None = None
    can_continue: bool = False
    stop_reason: str = ""
    usage: dict[str, Any] | None = None
    cost_usd: str | None = None
    price_date: str = ""
    created_at: str = ""
    started_at: str | None = None
    first_event_at: str | None = None
    finished_at: str | None = None


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    """A message as the page shows it; `siblings` are its versions, itself included."""

    id: UUID
    conversation_id: UUID
    parent_id: UUID | None
    depth: int
    role: str
    parts: list[dict[str, Any]]
    created_at: str
    siblings: list[UUID] = []
    run: RunView | None = None


class ConversationView(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as the list shows it."""

    id: UUID
    title: str
    updated_at: str
    archived: bool = False
    credential_id: UUID | None = None
    model: str = ""
    active_run_id: UUID | None = None


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


class IntentView(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call with its declared intent, as its card shows it.

    `state`: requested, approved, refused, started, done, failed, unknown. `decided_by` ""
    is the policy, for the reason in `decision_why`.
    """

    id: UUID
    run_id: UUID
    conversation_id: UUID
    call_id: str
    tool: str
    arguments: dict[str, Any]
    target: str
    purpose: str
    scope: str
    declared_risk: str
    computed_risk: str
    effective_risk: str
    state: str
    decision: str
    decision_why: str
    decided_by: str = ""
    words: str = ""
    created_at: str = ""
    decided_at: str | None = None
    started_at: str | None = None
    finished_at: str | None = None


class IntentFrame(_Outbound, frozen=True, tag="intent"):
    """A tool call was asked for, decided, begun or answered."""

    intent: IntentView


class CredentialNotice(msgspec.Struct, frozen=True, kw_only=True):
    """How a credential of yours is now. `condition`: ok, expiring, refreshing, limited,
    needs_login, rejected, unreadable; `cause` says why."""

    id: UUID
    provider: str
    auth_type: str
    name: str
    condition: str
    cause: str = ""
    limited_until: str | None = None
    expires_at: str | None = None


class CredentialFrame(_Outbound, frozen=True, tag="credential"):
    """A credential of yours changed: it was renewed, is limited, or needs a login."""

    credential: CredentialNotice


class Error(_Outbound, frozen=True):
    """Something you asked for was refused. `message` says what to do.

    Codes: bad_frame, too_large, not_found, refused, unavailable.
    """

    code: Literal["bad_frame", "too_large", "not_found", "refused", "unavailable"]
    message: str
    client_message_id: str | None = None
    run_id: UUID | None = None


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
    | CredentialFrame
    | Error
    | Pong
)

decode_client_frame = msgspec.json.Decoder(ClientFrame).decode
encode_frame = msgspec.json.Encoder().encode
