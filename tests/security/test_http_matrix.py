"""S-01, S-03, S-05, S-11: every route, whoever asks.

Made from the URL resolver, as `tests/sessions_app/views/test_access.py` is, whose tables
say what a route with an id takes. Here: what is somebody else's is answered to the letter
as what is not there.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from sessions_app.models import Conversation, SavedAuthentication
from tests.security import things
from tests.sessions_app.factories import (
    make_credential,
    make_superuser,
    make_team,
    make_user,
    sign_in,
)
from tests.sessions_app.views.test_access import (
    IDS,
    METHODS,
    alices_things,
    body_of,
    call,
    nowhere,
    path_of,
    routes,
)

pytestmark = pytest.mark.django_db

# Rows of other people that staff may work with: there the answers differ, as they should.
FOR_STAFF = {
    "credential_id", "login_id", "entry_id", "attachment_id", "person_id", "team_id",
    "invitation_id",
}  # fmt: skip
# Headers that say when, or who asks.
VOLATILE = {"date", "expires", "set-cookie", "x-request-id", "content-length"}


def routes_with_ids() -> list[tuple[str, list[str]]]:
    return [(name, names) for name, names in routes() if set(names) & set(IDS)]


def seen(answer: Any, ids: dict[str, Any]) -> tuple[Any, ...]:
    """All that tells one answer from another, with the ids taken out."""
    text = answer.content.decode() if not answer.streaming else "stream"
    for pk in ids.values():
        text = text.replace(str(pk), "ID")
    if "csrf" in text or "socket-token" in text:
        text = "page"
    headers = {k: v for k, v in answer.items() if k.lower() not in VOLATILE}
    headers = {k: v for k, v in headers.items() if "nonce" not in v}
    return answer.status_code, text, headers


@pytest.fixture
def stranger(request: pytest.FixtureRequest, client: Client) -> Client:
    """Signed in as somebody who is not Alice."""
    make_team(make_user("dora"))
    user = {
        "in no team": lambda: make_user("charlie"),
        "of another team": lambda: make_team(make_user("bob")).members.get(),
        "staff": lambda: make_user("stan", is_staff=True),
        "superuser": lambda: make_superuser("sue"),
    }[request.param]()
    sign_in(client, user)
    return client


@pytest.mark.parametrize(
    "stranger", ["in no team", "of another team", "staff", "superuser"], indirect=True
)
def test_what_is_not_yours_is_answered_as_what_is_not_there(stranger: Client) -> None:
    ids, message_id = alices_things()
    before = things.snapshot()
    me = get_user_model().objects.get(pk=stranger.session["_auth_user_id"])
    tried = 0
    for name, names in routes_with_ids():
        if me.is_staff and set(names) & FOR_STAFF:
            continue
        absent = nowhere()
        for method in METHODS:
            answers = []
            for given, message in ((ids, message_id), (absent, uuid.uuid4())):
                body = body_of(name, message)
                answer = call(stranger, method, path_of(name, names, given), body)
                answers.append(seen(answer, {**given, "message": message}))
            assert answers[0] == answers[1], (method, name)
            assert answers[0][0] in (404, 405), (method, name)
            tried += 1
    assert tried > 50
    assert things.snapshot() == before


@pytest.mark.parametrize(
    "end", ["anonymous", "suspended", "signed out", "new password"]
)
def test_who_is_nobody_now_is_told_the_same_of_everything(
    client: Client, end: str
) -> None:
    """Also of what was theirs a moment ago."""
    ids, message_id = alices_things()
    alice = Conversation.objects.get().owner
    if end != "anonymous":
        sign_in(client, alice)
        assert client.get("/api/conversations/").status_code == 200
    if end == "suspended":
        alice.is_active = False
        alice.save()
    elif end == "signed out":
        Session.objects.all().delete()
    elif end == "new password":
        alice.set_password("another one, and long enough")
        alice.save()
    before = things.snapshot()
    for name, names in routes_with_ids():
        for method in METHODS:
            answer = call(
                client, method, path_of(name, names, ids), body_of(name, message_id)
            )
            is_login = answer.status_code == 302 and "/login/" in answer["Location"]
            assert answer.status_code in (401, 405) or is_login, (method, name)
            if answer.status_code == 401 and method != "head":
                assert answer.json()["error"]["code"] == "signed_out"
    assert things.snapshot() == before


def test_whom_a_key_is_shared_with_reaches_nothing_else_of_hers(client: Client) -> None:
    """S-03: to use a key is not to see what was asked with it."""
    ids, message_id = alices_things()
    row = SavedAuthentication.objects.get()
    bob = make_user("bob")
    row.team = make_team(row.owner, bob)
    row.save()
    sign_in(client, bob)
    before = things.snapshot()
    for name, names in routes_with_ids():
        if "credential_id" in names:
            continue
        for method in METHODS:
            answer = call(
                client, method, path_of(name, names, ids), body_of(name, message_id)
            )
            assert answer.status_code in (404, 405), (method, name)
    assert things.snapshot() == before


# -- nested ids -------------------------------------------------------------------------


def test_an_own_parent_does_not_open_a_foreign_child(client: Client) -> None:
    """S-05: for every route with two ids, the first one's own and the second Alice's."""
    ids, _ = alices_things()
    charlie = make_user("charlie")
    own = things.make_things(charlie, status="done")
    own["team_id"] = make_team(manager=charlie).pk
    sign_in(client, charlie)
    before = things.snapshot()
    nested = [(n, names) for n, names in routes_with_ids() if len(names) > 1]
    nested = [(n, names) for n, names in nested if set(names) <= set(IDS)]
    assert nested
    for name, names in nested:
        for method in METHODS:
            path = path_of(name, names, {**ids, names[0]: own[names[0]]})
            answer = call(client, method, path, body_of(name, None))
            assert answer.status_code in (404, 405), (method, name)
    assert things.snapshot() == before


# -- the admin --------------------------------------------------------------------------


def admin_pages() -> list[str]:
    """An address of each page of each model of the admin, our own pages too."""
    found = []
    for model, one in admin.site._registry.items():
        prefix = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for pattern in one.get_urls():
            path = str(pattern.pattern)
            for part in ("<path:object_id>", "<uuid:pk>", "<str:key>", "<path:key>"):
                path = path.replace(part, "1")
            found.append(prefix + path)
    return [path for path in found if "<" not in path]


@pytest.mark.parametrize("who", ["anonymous", "person", "staff without rights"])
def test_no_page_of_the_admin_is_for_who_has_no_right_to_it(
    client: Client, who: str
) -> None:
    alices_things()
    if who != "anonymous":
        sign_in(client, make_user("bob", is_staff=who != "person"))
    before = things.snapshot()
    pages = admin_pages()
    assert len(pages) > 40
    for path in pages:
        for method in ("get", "post"):
            answer = getattr(client, method)(path)
            is_login = answer.status_code == 302 and "/login/" in answer["Location"]
            is_moved = (
                answer.status_code in (301, 302) and "/admin/" in answer["Location"]
            )
            assert answer.status_code in (403, 405) or is_login or is_moved, path
    assert things.snapshot() == before


def test_a_right_to_read_the_record_is_no_right_to_change_it(client: Client) -> None:
    ids, _ = alices_things()
    auditor = make_user("auditor", is_staff=True)
    auditor.user_permissions.add(
        *Permission.objects.filter(codename__endswith="intent")
    )
    sign_in(client, auditor)
    page = f"/admin/context_app/toolintent/{ids['intent_id']}"
    assert client.get(f"{page}/change/").status_code == 200
    before = things.snapshot()
    for path in (f"{page}/change/", f"{page}/delete/"):
        assert (
            client.post(path, {"state": "approved", "post": "yes"}).status_code == 403
        )
    assert things.snapshot() == before


def test_the_intent_door_tells_nobody_which_ids_exist(client: Client) -> None:
    """What a stranger can send to it, word for word the same."""
    ids, _ = alices_things()
    make_credential(owner=make_user("bob"))
    sign_in(client, make_user("charlie"))
    bodies = ({"approve": True}, {"approve": False, "words": "x"}, {}, {"approve": 1})
    for body in bodies:
        found = [
            client.post(
                reverse("api-intent", kwargs={"intent_id": pk}),
                json.dumps(body),
                content_type="application/json",
            )
            for pk in (ids["intent_id"], uuid.uuid4())
        ]
        assert found[0].status_code == found[1].status_code
        assert found[0].content == found[1].content
