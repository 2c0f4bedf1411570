"""The JSON of the page: strict in, one form of error out, never a secret."""

import json

import pytest

from sessions_app.models import SavedAuthentication
from tests.sessions_app.factories import (
    make_credential,
    make_superuser,
    make_user,
    sign_in,
)

pytestmark = pytest.mark.django_db

CANARY = "sk-canary-0123456789abcdef"


@pytest.fixture
def alice(client):
    user = make_user("alice")
    sign_in(client, user)
    return user


def post(client, path, body, method="post"):
    text = body if isinstance(body, str) else json.dumps(body)
    return getattr(client, method)(path, text, content_type="application/json")


def test_a_key_is_added_listed_and_never_shown_again(client, alice):
    made = post(
        client,
        "/api/credentials/",
        {"provider": "openai", "name": "My Work", "api_key": CANARY},
    )
    assert made.status_code == 201
    assert made.json()["credential"]["name"] == "my_work"
    listed = client.get("/api/credentials/")
    assert listed.json()["default_id"] == made.json()["credential"]["id"]
    assert CANARY not in made.content.decode() + listed.content.decode()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"provider": "openai", "name": "   ", "api_key": "k"}, "name"),
        ({"provider": "openai", "name": "ab", "api_key": "k"}, "name"),
        ({"provider": "nobody", "name": "work", "api_key": "k"}, "provider"),
        ({"provider": "openai", "name": "work", "api_key": ""}, "api_key"),
        ({"provider": "openai", "name": "work", "api_key": "two words"}, "api_key"),
        ({"provider": "custom", "name": "work", "base_url": "ftp://x"}, "base_url"),
        ({"provider": "openai", "name": 5}, "name"),
    ],
)
def test_bad_input_names_its_field_and_saves_nothing(client, alice, body, field):
    answer = post(client, "/api/credentials/", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field
    assert not SavedAuthentication.objects.exists()


@pytest.mark.parametrize("extra", ["api_base", "extra_headers", "proxy", "headers"])
def test_it_refuses_fields_it_does_not_know(client, alice, extra):
    body = {"provider": "openai", "name": "work", "api_key": "k", extra: "http://evil"}
    assert post(client, "/api/credentials/", body).status_code == 400
    assert not SavedAuthentication.objects.exists()


def test_a_name_somebody_else_took_is_refused_without_saying_whose(client, alice):
    make_credential(owner=make_user("bob"), provider="openai", name="work")
    answer = post(
        client,
        "/api/credentials/",
        {"provider": "openai", "name": "work", "api_key": "k"},
    )
    assert answer.status_code == 409
    assert "bob" not in answer.content.decode()


def test_garbage_is_a_clear_400(client, alice):
    for text in ("{", "[]", '"x"', "\x00", "{" * 500):
        answer = post(client, "/api/credentials/", text)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"]


def test_only_staff_removes_the_demo(client, alice):
    make_credential(
        provider="openai",
        name="demo_openai",
        is_demo=True,
        is_shared_with_everyone=True,
    )
    assert client.delete("/api/demo/").status_code == 403
    sign_in(client, make_superuser("root"))
    assert client.delete("/api/demo/").json() == {"removed": 1}


def test_sharing_has_one_name_in_and_out(client):
    sign_in(client, make_superuser("root"))
    new = {"provider": "openai", "name": "work", "api_key": "sk-test-1"}
    added = post(client, "/api/credentials/", {**new, "is_shared_with_everyone": True})
    row = added.json()["credential"]
    assert row["is_shared_with_everyone"] is True

    share = f"/api/credentials/{row['id']}/share/"
    shared = post(client, share, {"is_shared_with_everyone": False})
    assert shared.json()["credential"]["is_shared_with_everyone"] is False
    assert not SavedAuthentication.objects.get().is_shared_with_everyone
    assert post(client, share, {"everyone": True}).status_code == 400


def test_answers_are_not_kept_by_caches(client, alice):
    assert client.get("/api/credentials/")["Cache-Control"] == "no-store"


def test_every_provider_is_listed_with_what_its_form_needs(client, alice):
    found = {p["slug"]: p for p in client.get("/api/providers/").json()["providers"]}
    assert {"openai", "anthropic", "gemini", "ollama", "custom"} <= set(found)
    assert found["custom"]["base_url_required"]


@pytest.mark.parametrize(
    "query", ["before=yesterday", "before=2026-01-01", "limit=many"]
)
def test_a_query_that_cannot_be_read_says_so(client, alice, query):
    assert client.get(f"/api/conversations/?{query}").status_code == 400


@pytest.mark.parametrize(
    ("site", "status"),
    [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)],
)
def test_a_page_of_another_site_is_not_answered(client, alice, site, status):
    """Browsers say whose page asks; other programs say nothing, and are answered."""
    answer = client.get("/api/conversations/", headers={"sec-fetch-site": site})
    assert answer.status_code == status
    assert client.get("/api/conversations/").status_code == 200


def test_a_page_of_another_site_cannot_make_us_ask_a_vendor(client, alice):
    credential = make_credential(owner=alice)
    path = f"/api/credentials/{credential.pk}/models/"
    refused = client.get(path, headers={"sec-fetch-site": "same-site"})
    assert refused.json()["error"]["code"] == "foreign_page"
