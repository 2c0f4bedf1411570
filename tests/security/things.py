"""What Alice has, for others to ask for; and a frame of each kind that names it.

Made from `sessions_app.frames`, so that a new frame, or a new id in one, is in the matrix
by itself, or fails it with a word about what to add here.
"""

from __future__ import annotations

import types
import typing
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
from django.contrib.auth.models import User

from context_app.models import (
    Audit,
    AuditSource,
    ContextChunk,
    IntentEvent,
    StandingApproval,
    ToolIntent,
)
from sessions_app import frames
from sessions_app.models import (
    Conversation,
    Message,
    PendingLogin,
    Run,
    SavedAuthentication,
)
from tests.sessions_app.factories import make_credential, make_intent
from tests.sessions_app.factories_runs import make_run

# What a frame takes beside ids.
FIELDS: dict[str, Any] = {
    "text": "Whose is this?",
    "approve": True,
    "epoch": 1,
    "seq": 1,
    "token": "0" * 64,
}
NOT_COMPARED = {"client_message_id"}


def make_things(owner: User, **run: Any) -> dict[str, Any]:
    """By the names that frames have for them: ids of this person's rows."""
    credential = make_credential(owner=owner)
    made = make_run(owner, credential=credential, **{"status": "waiting", **run})
    ContextChunk.objects.create(
        conversation=made.conversation, owner=owner, kind="text", title="t", text="x"
    )
    return {
        "conversation_id": made.conversation_id,
        "run_id": made.pk,
        "message_id": made.answer_id,
        "parent_id": made.answer_id,
        "credential_id": credential.pk,
        "intent_id": make_intent(made).pk,
    }


def kinds() -> list[type[Any]]:
    """Every frame that a client may send."""
    return list(typing.get_args(frames.ClientFrame))


def tag_of(kind: type[Any]) -> str:
    return str(msgspec.inspect.type_info(kind).tag)


def ids_of(kind: type[Any]) -> list[str]:
    """Names of the fields of a frame that name a row."""
    return [f.name for f in msgspec.structs.fields(kind) if _is_id(f.type)]


def frame(kind: type[Any], own: dict[str, Any], **ids: Any) -> dict[str, Any]:
    """A frame with these ids, and with a person's own ones where it must have more."""
    made: dict[str, Any] = {"type": tag_of(kind)}
    for field in msgspec.structs.fields(kind):
        name = field.name
        if name in ids:
            made[name] = ids[name]
        elif not field.required:
            continue
        elif name == "client_message_id":
            made[name] = uuid.uuid4().hex
        elif _is_id(field.type):
            made[name] = own[name]
        else:
            assert name in FIELDS, f"say in FIELDS what `{name}` of a frame takes"
            made[name] = FIELDS[name]
    return made


def matrix() -> Iterator[tuple[type[Any], str]]:
    """(kind of frame, id field) of everything that a client may name."""
    for kind in kinds():
        for name in ids_of(kind):
            yield kind, name


def snapshot() -> tuple[Any, ...]:
    """Every row that somebody could have wanted to change."""
    models = (
        Conversation, Message, Run, SavedAuthentication, PendingLogin, ToolIntent,
        IntentEvent, ContextChunk, StandingApproval, Audit, AuditSource,
    )  # fmt: skip
    return tuple(list(model.objects.order_by("pk").values()) for model in models)


def _is_id(kind: Any) -> bool:
    if isinstance(kind, types.UnionType):
        return uuid.UUID in typing.get_args(kind)
    return kind is uuid.UUID
