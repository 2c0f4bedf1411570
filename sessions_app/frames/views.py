"""What frames hold: rows as a page sees them. Made by `services/shapes.py`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec


class CredentialRef(msgspec.Struct, frozen=True, kw_only=True):
    """A credential as people name it."""

    provider: str
    auth_type: str
    name: str
    id: UUID | None = None


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """A run as the page shows it. `cost_usd` is an estimate by `price_date` prices.

    `retry_at` is set while it waits to ask again. `can_continue`: its answer broke off,
    and its vendor documents how the rest is asked for. `reasoning_effort` as it was asked
    for; empty: the vendor's usual.
    """

    id: UUID
    conversation_id: UUID
    question_id: UUID
    answer_id: UUID
    status: str
    cause: str
    credential: CredentialRef
    model: str
    reasoning_effort: str = ""
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
    by: int | None = None  # the person who asked for it


class AuthorView(msgspec.Struct, frozen=True, kw_only=True):
    """Who wrote a question; `id` null: that account is gone."""

    id: int | None
    name: str


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
    author: AuthorView | None = None  # of a question


class ConversationView(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as the list shows it."""

    id: UUID
    title: str
    updated_at: str
    archived: bool = False
    credential_id: UUID | None = None
    model: str = ""
    active_run_id: UUID | None = None
    owner_id: int | None = None
    is_shared: bool = False  # by its owner, with somebody


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


class ChunkView(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a conversation's context, as the panel lists it.

    `kind`: system, persona, text, file, summary, message, tool_result. `is_sent`: it goes
    with the next request; `why` says why, or why not. `preview`: its beginning, of
    `length` characters. `tokens` as of the model that is chosen. `scope`: transcript,
    conversation, credential or team. `state`: ready, writing, failed (see `cause`).
    """

    id: UUID
    kind: str
    title: str
    preview: str
    length: int
    source: str
    tokens: int
    is_sent: bool
    why: str
    pinned: bool = False
    excluded: bool = False
    edited: bool = False
    position: float = 0.0
    scope: str = "transcript"
    message_id: UUID | None = None
    depth: int | None = None
    state: str = "ready"
    cause: str = ""
    created_by: str = ""
    created_at: str | None = None
    library_id: UUID | None = None
    intent_id: UUID | None = None
    version: int | None = None


class GaugeView(msgspec.Struct, frozen=True, kw_only=True):
    """How full the model's window is, in tokens. `window` null: not known.

    `used` is the sum over what is sent, `by_kind` the same by kind; `tools` what the
    tools' descriptions take, `reserve` what is kept for the answer. `left_out`: how many
    parts are not sent for want of room. `last`: what the vendor counted for the last
    request. `says`: how the numbers came about.
    """

    provider: str
    model: str
    window: int | None
    used: int
    tools: int
    reserve: int
    by_kind: dict[str, int]
    left_out: int
    removed: int
    last: int | None
    says: str


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


class AuditView(msgspec.Struct, frozen=True, kw_only=True):
    """A code audit as lists and progress show it. `state`: running, done, stopped,
    interrupted (its server died), failed.

    `done` of `total` pieces of the source were judged; `now` says what happens. `summary`,
    once a part was judged: counts by severity, comparison, usage and cost, prompt version.
    `can_repeat`: what was audited is kept, or is in the workspace.
    """

    id: UUID
    source: str
    provider: str
    credential: str
    model: str
    state: str
    created_at: str
    is_demo: bool = False
    cause: str = ""
    done: int = 0
    total: int = 0
    now: str = ""
    score: int | None = None
    summary: dict[str, Any] | None = None
    conversation_id: UUID | None = None
    previous_id: UUID | None = None
    can_repeat: bool = False
    finished_at: str | None = None
