"""JSON of a conversation's context: its chunks, the exact request, and changes of it.

Every change answers with what became different, the same frame that open pages get.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from context_app.services.order import Place
from sessions_app.errors import NotAllowed, NotFound
from sessions_app.runs.context import changes, look, search, summaries
from sessions_app.runs.context import preview as context_preview
from sessions_app.runs.context.look import Asker
from sessions_app.views.json_api import answer, body, json_view

_Text = Annotated[str, msgspec.Meta(max_length=4_000_000)]


class NewChunk(msgspec.Struct, forbid_unknown_fields=True):
    """A text of the person's own, or `library_id` with an optional version."""

    kind: str = "text"
    text: _Text = ""
    title: str = ""
    library_id: UUID | None = None
    library_version: int | None = None


class ChunkChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be different; null leaves it. `version`: the one the person saw.

    Its new place is behind the part `after`; if that one is gone, ahead of `before`.
    """

    pinned: bool | None = None
    excluded: bool | None = None
    text: _Text | None = None
    title: str | None = None
    after: UUID | None = None
    before: UUID | None = None
    version: int | None = None


class NewSummary(msgspec.Struct, forbid_unknown_fields=True):
    """Of the messages up to this one; null: of all but the last few."""

    message_id: UUID | None = None


class Preview(msgspec.Struct, forbid_unknown_fields=True):
    """The question that is being typed, and with whom and how it would be asked: the
    fields of the frame `send`."""

    text: _Text = ""
    credential_id: UUID | None = None
    model: str | None = None
    reasoning_effort: str | None = None
    tools: bool = False
    count: bool = False  # let the vendor count it, too


def _show(request: HttpRequest, conversation_id: UUID) -> Any:
    asker = Asker(tools=request.GET.get("tools") in ("1", "true"))
    query = request.GET.get("q", "")
    if query.strip():
        return search.panel_hits(request.user, conversation_id, asker, query)
    return look.frame_of(look.look(request.user, conversation_id, asker))


def _add(request: HttpRequest, conversation_id: UUID) -> Any:
    sent = body(request, NewChunk)
    if sent.library_id is not None:
        return changes.attach(
            request.user, conversation_id, sent.library_id, sent.library_version
        )
    return changes.add_text(
        request.user,
        conversation_id,
        kind=sent.kind,
        text=sent.text,
        title=sent.title,
        source="Typed here",
    )


def _add_file(request: HttpRequest, conversation_id: UUID) -> Any:
    """A form with one `file`. Its name is shown to people and used for nothing else."""
    return changes.add_file(request.user, conversation_id, request.FILES.get("file"))


def _read(request: HttpRequest, conversation_id: UUID, chunk_id: UUID) -> Any:
    return changes.text_of(request.user, conversation_id, chunk_id)


def _change(request: HttpRequest, conversation_id: UUID, chunk_id: UUID) -> Any:
    sent = body(request, ChunkChange)
    fields = msgspec.structs.asdict(sent)
    place = Place(fields.pop("after"), fields.pop("before"))
    return changes.change_chunk(
        request.user,
        conversation_id,
        chunk_id,
        place=place if any(place) else None,
        **fields,
    )


def _delete(request: HttpRequest, conversation_id: UUID, chunk_id: UUID) -> Any:
    return changes.delete_chunk(request.user, conversation_id, chunk_id)


def _bring_back(request: HttpRequest, conversation_id: UUID) -> Any:
    return changes.bring_back(request.user, conversation_id)


def _preview(request: HttpRequest, conversation_id: UUID) -> Any:
    sent = body(request, Preview)
    asker = Asker(sent.credential_id, sent.model, sent.tools, sent.reasoning_effort)
    return context_preview.preview(
        request.user, conversation_id, asker, sent.text, is_counted=sent.count
    )


def _summarise(request: HttpRequest, conversation_id: UUID) -> Any:
    sent = body(request, NewSummary)
    row = summaries.start(request.user, conversation_id, up_to=sent.message_id)
    return {"chunk_id": row.pk}


def _sent(request: HttpRequest, run_id: UUID) -> Any:
    return {"requests": context_preview.sent_by(request.user, run_id)}


@require_safe
@login_required
def sent_file(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The same as a file to keep."""
    try:
        found = context_preview.sent_by(request.user, run_id)
    except NotFound:
        raise Http404 from None
    except NotAllowed as exc:
        raise PermissionDenied(exc.message) from None
    response = answer({"requests": found})
    response["Content-Disposition"] = f'attachment; filename="requests-{run_id}.json"'
    # What people and models wrote must never be rendered on our origin.
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


collection = json_view(GET=_show, POST=_add)
file = json_view(POST=_add_file)
one = json_view(GET=_read, PATCH=_change, DELETE=_delete)
bring_back = json_view(POST=_bring_back)
preview = json_view(POST=_preview)
summary = json_view(POST=_summarise)
sent = json_view(GET=_sent)
