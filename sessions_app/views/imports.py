"""JSON of credential files of other programs: read one, then save what it offers.

The file travels twice and is never kept here: the person sees what would be imported,
and from whom, before anything is stored.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from django.http import HttpRequest

from sessions_app.services.credentials import imports
from sessions_app.services.credentials.rows import credential_view
from sessions_app.views.json_api import answer, body, json_view


class Upload(msgspec.Struct, forbid_unknown_fields=True):
    """A file's name and text; `companion` is the second file of formats that have two."""

    file_name: str
    content: str
    companion: str = ""


class Choice(Upload, forbid_unknown_fields=True):
    """The same with the offer to save (`index` of the list that was shown)."""

    index: int = 0
    name: str = ""
    team: UUID | None = None
    is_shared_with_everyone: bool = False


def _read(request: HttpRequest) -> Any:
    sent = body(request, Upload)
    found = imports.read(sent.file_name, sent.content, sent.companion)
    return {"offers": [imports.view(offer) for offer in found]}


def _save(request: HttpRequest) -> Any:
    sent = body(request, Choice)
    row = imports.save(
        user=request.user,
        file_name=sent.file_name,
        content=sent.content,
        companion=sent.companion,
        index=sent.index,
        name=sent.name,
        team=sent.team,
        is_shared_with_everyone=sent.is_shared_with_everyone,
    )
    return answer({"credential": credential_view(row)}, 201)


read = json_view(POST=_read)
save = json_view(POST=_save)
