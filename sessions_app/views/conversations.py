"""JSON of conversations: the list, one, its pages, its branches, its export."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.text import slugify
from django.views.decorators.http import require_GET

from sessions_app.errors import Invalid, NotFound
from sessions_app.services import branches, conversations, export, shapes
from sessions_app.views.json_api import answer, body, json_view


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """What a person may change of a conversation."""

    title: str | None = None
    archived: bool | None = None


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    """The message whose branch is to be shown."""

    message_id: UUID


def _list(request: HttpRequest) -> Any:
    rows = conversations.list_conversations(
        user=request.user,
        query=request.GET.get("q", "")[:200],
        archived=request.GET.get("archived") in ("1", "true"),
        before=_moment(request.GET.get("before")),
        limit=_number(request.GET.get("limit"), 50, "limit"),
    )
    return {"conversations": [shapes.conversation_view(row) for row in rows]}


def _show(request: HttpRequest, conversation_id: UUID) -> Any:
    row = conversations.conversation_for(
        user=request.user, conversation_id=conversation_id
    )
    return {"conversation": shapes.conversation_view(row)}


def _change(request: HttpRequest, conversation_id: UUID) -> Any:
    change = body(request, Change)
    user = request.user
    if change.title is not None:
        conversations.rename_conversation(
            user=user, conversation_id=conversation_id, title=change.title
        )
    if change.archived is not None:
        conversations.archive_conversation(
            user=user, conversation_id=conversation_id, archived=change.archived
        )
    return _show(request, conversation_id)


def _delete(request: HttpRequest, conversation_id: UUID) -> Any:
    conversations.delete_conversation(
        user=request.user, conversation_id=conversation_id
    )


def _messages(request: HttpRequest, conversation_id: UUID) -> Any:
    before = request.GET.get("before_depth")
    page = branches.page_of_branch(
        user=request.user,
        conversation_id=conversation_id,
        before_depth=None if before is None else _number(before, 0, "before_depth"),
        limit=_number(request.GET.get("limit"), 50, "limit"),
    )
    return {"messages": page.messages, "has_more": page.has_more}


def _branch(request: HttpRequest, conversation_id: UUID) -> Any:
    choice = body(request, Choice)
    conversation = conversations.conversation_for(
        user=request.user, conversation_id=conversation_id
    )
    # The message must be of this very conversation, not merely of one that is mine.
    if not conversation.messages.filter(pk=choice.message_id).exists():
        raise NotFound("There is no such message.")
    branches.choose_branch(user=request.user, message_id=choice.message_id)
    return _messages(request, conversation_id)


@require_GET
@login_required
def export_file(request: HttpRequest, conversation_id: UUID, kind: str) -> HttpResponse:
    """The conversation as a file: `export.md` or `export.json`."""
    try:
        if kind == "json":
            data = export.export_json(
                user=request.user, conversation_id=conversation_id
            )
            response = answer(data)
            title = data["title"]
        else:
            text = export.export_markdown(
                user=request.user, conversation_id=conversation_id
            )
            response = HttpResponse(text, content_type="text/markdown; charset=utf-8")
            title = text.split("\n", 1)[0].lstrip("# ")
    except NotFound:
        raise Http404 from None
    name = slugify(title)[:60] or "conversation"
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    response["Cache-Control"] = "no-store"
    return response


def _number(text: str | None, default: int, field: str) -> int:
    if not text:
        return default
    if not text.isdigit() or len(text) > 9:
        raise Invalid(f"{field} must be a whole number.", field=field)
    return int(text)


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("before must be a time in ISO 8601.", field="before") from None
    if moment.tzinfo is None:
        raise Invalid("before must say its time zone.", field="before")
    return moment


collection = json_view(GET=_list)
one = json_view(GET=_show, PATCH=_change, DELETE=_delete)
messages = json_view(GET=_messages)
branch = json_view(POST=_branch)
