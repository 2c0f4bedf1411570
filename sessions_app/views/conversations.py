"""JSON of conversations: the list, one, its pages, its branches, its export."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from sessions_app.errors import Invalid, NotFound
from sessions_app.models import Conversation
from sessions_app.runs import notices
from sessions_app.services import (
    answering,
    branches,
    conversations,
    export,
    shapes,
    sharing,
)
from sessions_app.views.json_api import answer, body, json_view

_MAX_QUERY = 200


class Retry(msgspec.Struct, forbid_unknown_fields=True):
    """How often and how long an answer is tried; see `services/answering.py`."""

    attempts: int
    total_s: int


class Fallback(msgspec.Struct, forbid_unknown_fields=True):
    """Who may answer instead."""

    credential_id: UUID
    model: str


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """What a person may change of a conversation; `retry` null is the operator's."""

    title: str | None = None
    archived: bool | None = None
    retry: Retry | msgspec.UnsetType | None = msgspec.UNSET
    fallbacks: list[Fallback] | msgspec.UnsetType = msgspec.UNSET


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    """The message whose branch is to be shown."""

    message_id: UUID


def _list(request: HttpRequest) -> Any:
    """`next` is what `before` must say to get the rows after these; None: no more.

    `found`, by conversation: where the words of `q` stand in it.
    """
    limit = min(_number(request.GET.get("limit"), 50, "limit"), conversations.MAX_LIST)
    moment, row_id = _before(request.GET.get("before"))
    query = request.GET.get("q", "")[:_MAX_QUERY]
    rows = conversations.list_conversations(
        user=request.user,
        query=query,
        archived=request.GET.get("archived") in ("1", "true"),
        shared=request.GET.get("shared") in ("1", "true"),
        before=moment,
        before_id=row_id,
        limit=limit,
    )
    last = rows[-1] if len(rows) >= max(1, limit) else None
    found = conversations.places(user=request.user, query=query, rows=rows)
    return {
        "conversations": [_listed(request, row) for row in rows],
        "found": {str(key): shapes.place_view(hit) for key, hit in found.items()},
        "next": f"{last.updated_at.isoformat()},{last.pk}" if last else None,
    }


def _listed(request: HttpRequest, row: Conversation) -> Any:
    view = shapes.conversation_view(row)
    if row.owner_id == request.user.pk:
        return view
    return {**msgspec.structs.asdict(view), "owner": row.owner.get_username()}


def _begin(request: HttpRequest) -> Any:
    row = conversations.begin_conversation(user=request.user)
    return {"conversation": shapes.conversation_view(row)}


def _show(request: HttpRequest, conversation_id: UUID) -> Any:
    row = conversations.conversation_for(
        user=request.user, conversation_id=conversation_id
    )
    return _whole(request, row)


def _whole(request: HttpRequest, row: Conversation) -> Any:
    return {
        "conversation": shapes.conversation_view(row),
        "access": sharing.access_of(request.user, row),
        "owner": row.owner.get_username(),
        **answering.answering_of(request.user, row),
    }


def _answering(request: HttpRequest, change: Change) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if isinstance(change.retry, Retry):
        found["retry"] = answering.retry_of(change.retry.attempts, change.retry.total_s)
    elif change.retry is None:
        found["retry"] = None
    if isinstance(change.fallbacks, list):
        chosen = [(row.credential_id, row.model) for row in change.fallbacks]
        found["fallbacks"] = answering.fallbacks_of(request.user, chosen)
    return found


def _change(request: HttpRequest, conversation_id: UUID) -> Any:
    change = body(request, Change)
    row = conversations.change_conversation(
        user=request.user,
        conversation_id=conversation_id,
        title=change.title,
        archived=change.archived,
        answering=_answering(request, change),
    )
    notices.conversation_changed(row)
    return _whole(request, row)


def _delete(request: HttpRequest, conversation_id: UUID) -> Any:
    conversations.delete_conversation(
        user=request.user, conversation_id=conversation_id
    )


def _messages(request: HttpRequest, conversation_id: UUID) -> Any:
    """One of `before_depth`, `after_depth` and `around` (a message) says which page."""
    asked = [n for n in ("before_depth", "after_depth", "around") if request.GET.get(n)]
    if len(asked) > 1:
        raise Invalid(f"Give one of {' and '.join(asked)}.", field=asked[1])
    return _page(request, conversation_id)


def _page(request: HttpRequest, conversation_id: UUID) -> Any:
    before, after = (request.GET.get(f"{word}_depth") for word in ("before", "after"))
    page = branches.page_of_branch(
        user=request.user,
        conversation_id=conversation_id,
        before_depth=_number(before, 0, "before_depth") if before else None,
        after_depth=_number(after, 0, "after_depth") if after else None,
        around=request.GET.get("around") or None,
        limit=_number(request.GET.get("limit"), 50, "limit"),
    )
    return {
        "messages": page.messages,
        "has_more": page.has_more,
        "has_newer": page.has_newer,
    }


def _branch(request: HttpRequest, conversation_id: UUID) -> Any:
    choice = body(request, Choice)
    branches.choose_branch(
        user=request.user,
        message_id=choice.message_id,
        conversation_id=conversation_id,
    )
    return _page(request, conversation_id)


@require_safe
@login_required
def export_file(request: HttpRequest, conversation_id: UUID, kind: str) -> HttpResponse:
    """The conversation as a file: `export.md` or `export.json`."""
    mine: dict[str, Any] = {"user": request.user, "conversation_id": conversation_id}
    try:
        row = conversations.conversation_for(**mine)
        if kind == "json":
            response = answer(export.export_json(**mine))
        else:
            text = export.export_markdown(**mine)
            response = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    except NotFound:
        raise Http404 from None
    name = slugify(row.title, allow_unicode=True)[:60] or "conversation"
    disposition = content_disposition_header(True, f"{name}.{kind}")
    response["Content-Disposition"] = disposition or "attachment"
    # What people and models wrote must never be rendered on our origin.
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "no-store"
    return response


def _number(text: str | None, default: int, field: str) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise Invalid(f"{field} must be a whole number.", field=field)
    return int(text)


def _before(text: str | None) -> tuple[datetime | None, UUID | None]:
    """(moment, id of a conversation or None) of `2026-01-31T12:00:00+00:00[,id]`."""
    if not text:
        return None, None
    moment, _, row_id = text.partition(",")
    try:
        found = datetime.fromisoformat(moment)
        if found.tzinfo is None:
            raise Invalid("before must say its time zone.", field="before")
        return found.astimezone(UTC), UUID(row_id) if row_id else None
    except (ValueError, OverflowError):
        raise Invalid(
            "before must be a time in ISO 8601, or the `next` of the last answer.",
            field="before",
        ) from None


collection = json_view(GET=_list, POST=_begin)
one = json_view(GET=_show, PATCH=_change, DELETE=_delete)
messages = json_view(GET=_messages)
branch = json_view(POST=_branch)
