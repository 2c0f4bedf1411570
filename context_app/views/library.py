"""The library's page and JSON: entries, their versions, and where they are attached."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from csp.decorators import csp_update
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from context_app.models import ContextChunk
from context_app.services import library, search
from sessions_app.errors import Invalid
from sessions_app.views.json_api import body, json_view
from sessions_app.views.pages import TRUSTED_TYPES


class NewEntry(msgspec.Struct, forbid_unknown_fields=True):
    """A reusable text; with a team, its members may attach it too."""

    kind: str
    title: str
    text: str
    team_id: UUID | None = None


class EntryChange(msgspec.Struct, forbid_unknown_fields=True):
    """The next version; null leaves it. `version`: the one the person saw."""

    title: str | None = None
    text: str | None = None
    version: int | None = None


class NewAttachment(msgspec.Struct, forbid_unknown_fields=True):
    """To a credential or to a team; without a version, always the newest."""

    credential_id: UUID | None = None
    team_id: UUID | None = None
    version: int | None = None


def _list(request: HttpRequest) -> Any:
    """With `q`: those that have the words, the best first, and where they stand."""
    query = request.GET.get("q", "")
    rows = library.entries(request.user)
    if not query.strip():
        views = [_view(row, request) for row in rows]
    else:
        found = search.entries(user=request.user, query=query)
        by_id = {row.pk: row for row in rows}
        views = [
            {
                **_view(by_id[key], request),
                "found": {"text": place.text, "marks": place.marks},
            }
            for key, place in found.items()
            if key in by_id
        ]
    return {"entries": views, **library.places(request.user)}


def _add(request: HttpRequest) -> Any:
    sent = body(request, NewEntry)
    entry = library.add(request.user, **msgspec.structs.asdict(sent))
    return {"entry": _whole(entry, request)}


def _show(request: HttpRequest, entry_id: UUID) -> Any:
    entry = library.entry_for(request.user, entry_id)
    found = library.versions(request.user, entry_id)
    return {
        "entry": _whole(entry, request),
        "versions": [
            {
                "number": row.number,
                "title": row.title,
                "text": row.text,
                "author": row.author.username if row.author else "",
                "created_at": row.created_at.isoformat(),
            }
            for row in found
        ],
        "attachments": [
            _attachment(row) for row in library.attachments(request.user, entry_id)
        ],
    }


def _change(request: HttpRequest, entry_id: UUID) -> Any:
    sent = body(request, EntryChange)
    entry = library.change(request.user, entry_id, **msgspec.structs.asdict(sent))
    return {"entry": _whole(entry, request)}


def _delete(request: HttpRequest, entry_id: UUID) -> Any:
    library.delete(request.user, entry_id)


def _attach(request: HttpRequest, entry_id: UUID) -> Any:
    sent = body(request, NewAttachment)
    if (sent.credential_id is None) == (sent.team_id is None):
        raise Invalid("Attach it to a credential or to a team.", field="credential_id")
    if sent.credential_id is not None:
        row = library.attach_to_credential(
            request.user, entry_id, sent.credential_id, sent.version
        )
    else:
        team_id: Any = sent.team_id
        row = library.attach_to_team(request.user, entry_id, team_id, sent.version)
    return {"attachment": _attachment(row)}


def _detach(request: HttpRequest, attachment_id: UUID) -> Any:
    library.detach(request.user, attachment_id)


def _view(row: ContextChunk, request: HttpRequest) -> dict[str, Any]:
    return {
        "id": row.pk,
        "kind": row.kind,
        "title": row.title,
        "preview": row.text[:300],
        "tokens": row.tokens,
        "version": row.version,
        "owner": row.owner.username if row.owner else "",
        "team": row.team.name if row.team else "",
        "is_mine": row.owner_id == request.user.pk,
        "may_change": library.may_change(request.user, row),
        "updated_at": row.updated_at.isoformat(),
    }


def _whole(row: ContextChunk, request: HttpRequest) -> dict[str, Any]:
    return {**_view(row, request), "text": row.text}


def _attachment(row: ContextChunk) -> dict[str, Any]:
    return {
        "id": row.pk,
        "credential": row.credential.name if row.credential else "",
        "team": row.team.name if row.team else "",
        "version": row.reference_version,
    }


@never_cache
@csp_update(TRUSTED_TYPES)
@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """The library, as people manage it."""
    return render(request, "library.html")


collection = json_view(GET=_list, POST=_add)
one = json_view(GET=_show, PATCH=_change, DELETE=_delete)
attach = json_view(POST=_attach)
attachment = json_view(DELETE=_detach)
