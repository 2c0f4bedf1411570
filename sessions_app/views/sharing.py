"""JSON of a conversation's shares: for its owner."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from django.http import HttpRequest

from sessions_app.models import Conversation
from sessions_app.runs import notices
from sessions_app.services import sharing
from sessions_app.services.conversations import conversation_for
from sessions_app.services.teams import teams_of
from sessions_app.views.json_api import body, json_view


class NewShare(msgspec.Struct, forbid_unknown_fields=True):
    """With a team or with a person; `may_take_part` false is to read."""

    team_id: UUID | None = None
    person_id: int | None = None
    may_take_part: bool = False


def _list(request: HttpRequest, conversation_id: UUID) -> Any:
    """The shares, and with whom else it may be shared."""
    row = _conversation(request, conversation_id)
    found = sharing.shares_of(user=request.user, conversation=row)
    people = sharing.teammates_of(request.user).values_list("pk", "username")
    return {
        "shares": [sharing.share_view(share) for share in found],
        "teams": list(teams_of(user=request.user).values("id", "name")),
        "people": [{"id": pk, "name": name} for pk, name in people[:500]],
    }


def _add(request: HttpRequest, conversation_id: UUID) -> Any:
    row = _conversation(request, conversation_id)
    sent = body(request, NewShare)
    sharing.share(user=request.user, conversation=row, **msgspec.structs.asdict(sent))
    notices.conversation_changed(row)
    return _list(request, conversation_id)


def _remove(request: HttpRequest, conversation_id: UUID, share_id: UUID) -> Any:
    row = _conversation(request, conversation_id)
    sharing.unshare(user=request.user, conversation=row, share_id=share_id)
    notices.conversation_changed(row)
    return _list(request, conversation_id)


def _conversation(request: HttpRequest, conversation_id: UUID) -> Conversation:
    return conversation_for(user=request.user, conversation_id=conversation_id)


collection = json_view(GET=_list, POST=_add)
one = json_view(DELETE=_remove)
