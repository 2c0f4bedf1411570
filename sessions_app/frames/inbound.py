"""What a page says: understood strictly, an unknown type or field is refused."""

from __future__ import annotations

from typing import TypeAlias
from uuid import UUID

import msgspec

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
