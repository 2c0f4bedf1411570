"""What comes in crooked: a clear answer in the one form, and nothing half done."""

import json
import uuid

import pytest
from django.core.exceptions import RequestDataTooBig
from django.http import UnreadablePostError

from maestro import doorbell
from sessions_app.models import Conversation, SavedAuthentication
from tests.sessions_app.conversations.trees import make_conversation
from tests.sessions_app.factories import make_user, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client):
    user = make_user("alice")
    sign_in(client, user)
    return user


def send(client, method, path, body):
    text = body if isinstance(body, bytes) else json.dumps(body)
    return getattr(client, method)(path, text, content_type="application/json")


@pytest.mark.parametrize(
    "garbage",
    [
        b"{",
        b"[]",
        b'"x"',
        b"\x00",
        b"{" * 100_000,
        b'{"provider": "\xff\xfe"}',
        b'{"provider": "\\ud800"}',
        b'{"provider": ' + b"[" * 100_000,
        b"\xef\xbb\xbf{}",
        b"null",
        b"NaN",
    ],
)
def test_garbage_is_a_clear_400_that_names_no_field_it_does_not_know(
    client, alice, garbage
):
    answer = send(client, "post", "/api/credentials/", garbage)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["message"]
    assert error.get("field", "provider") == "provider"
    assert not SavedAuthentication.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": 5}, "title"),
        ({"archived": "yes"}, "archived"),
        ({"titel": "x"}, "titel"),
        ({"title": ""}, "title"),
        ({"title": "x" * 201, "archived": True}, "title"),
    ],
)
def test_a_change_that_does_not_fit_names_its_field_and_changes_nothing(
    client, alice, body, field
):
    row = make_conversation(alice, title="before")
    answer = send(client, "patch", f"/api/conversations/{row.pk}/", body)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    row.refresh_from_db()
    assert (row.title, row.archived_at) == ("before", None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=²", "limit"),
        ("limit=-1", "limit"),
        ("limit=1e3", "limit"),
        ("limit=" + "9" * 4000, "limit"),
        ("before=yesterday", "before"),
        ("before=2026-01-01", "before"),
        ("before=0001-01-01T00:00:00%2B23:59", "before"),
        ("before=2026-01-01T00:00:00Z,x", "before"),
    ],
)
def test_a_query_that_cannot_be_read_says_which_part(client, alice, query, field):
    answer = client.get(f"/api/conversations/?{query}")
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


@pytest.mark.parametrize(
    "query",
    [
        "before_depth=²", "before_depth=-1", "limit=x", "after_depth=x",
        "before_depth=1&after_depth=1", "after_depth=0&around=x",
    ],
)  # fmt: skip
def test_a_page_that_cannot_be_read_is_refused(client, alice, query):
    row = make_conversation(alice, "x")
    answer = client.get(f"/api/conversations/{row.pk}/messages/?{query}")
    assert answer.status_code == 400


@pytest.mark.parametrize("query", ["q=%00", "q=%FF", "q=" + "a " * 200, "q=%25"])
def test_any_search_is_answered(client, alice, query):
    assert client.get(f"/api/conversations/?{query}").status_code == 200


def test_the_list_is_walked_with_what_it_says_is_next(client, alice):
    for name in "abc":
        make_conversation(alice, title=name)
    seen, query = [], "limit=2"
    for _ in range(2):
        page = client.get("/api/conversations/", query_params=params(query)).json()
        seen += [row["title"] for row in page["conversations"]]
        query = f"limit=2&before={page['next']}"
    assert seen == ["c", "b", "a"]
    assert page["next"] is None


def params(query):
    return dict(pair.split("=", 1) for pair in query.split("&"))


def test_an_unknown_address_of_the_json_is_answered_in_json(client, alice):
    for path in ("/api/nothing/", "/api/conversations/no-id/", "/api/"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"


def test_an_unknown_page_is_a_page(client, alice):
    for path in ("/nothing", "/c/" + "-" * 36 + "/export.md", f"/c/{uuid.uuid4()}/"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer["Content-Type"].startswith("text/html")


def test_a_method_that_is_not_there_names_those_that_are(client, alice):
    answer = client.put("/api/conversations/")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    ("failure", "status"), [(RequestDataTooBig, 413), (UnreadablePostError, 400)]
)
def test_a_body_that_did_not_come_in_is_said(
    client, alice, monkeypatch, failure, status
):
    def body(self):
        raise failure()

    monkeypatch.setattr("django.http.HttpRequest.body", property(body))
    answer = send(client, "post", "/api/credentials/", {})
    assert (answer.status_code, "message" in answer.json()["error"]) == (status, True)


def test_a_bug_of_ours_is_told_in_json_without_a_detail(client, alice, monkeypatch):
    def broken(**_):
        raise RuntimeError("internal detail")

    monkeypatch.setattr(
        "sessions_app.services.conversations.list_conversations", broken
    )
    client.raise_request_exception = False
    answer = client.get("/api/conversations/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "server_error")
    assert b"internal detail" not in answer.content


def test_a_renamed_conversation_is_news_for_the_other_pages(client, alice, monkeypatch):
    rung = []
    monkeypatch.setattr(
        doorbell, "ring", lambda group, news: rung.append((group, news))
    )
    row = make_conversation(alice, title="before")
    path = f"/api/conversations/{row.pk}/"
    answer = send(client, "patch", path, {"title": "after", "archived": True})
    assert answer.json()["conversation"]["title"] == "after"
    [(group, news)] = rung
    assert group == f"user.{alice.pk}"
    assert json.loads(news["frames"][0])["conversation"]["archived"] is True


def test_a_deleted_conversation_is_gone(client, alice):
    row = make_conversation(alice, "x")
    assert client.delete(f"/api/conversations/{row.pk}/").json() == {}
    assert client.get(f"/api/conversations/{row.pk}/").status_code == 404
    assert not Conversation.objects.exists()
