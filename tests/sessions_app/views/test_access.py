"""Deny by default, proven from the URL resolver; foreign ids are not found, everywhere."""

import json
import uuid

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from sessions_app.models import Conversation, Message, SavedAuthentication
from tests.sessions_app.factories import make_credential, make_user, sign_in

pytestmark = pytest.mark.django_db

# Views that anybody may reach, and why.
OPEN = {
    "healthz": "liveness, says nothing",
    "readyz": "readiness, a word per part",
    "metrics": "has a token of its own",
    "login": "the way in",
    "logout": "POST with CSRF; nothing to see",
    "setup": "the one-time link is the key",
}
IDS = ("conversation_id", "credential_id")


def routes(patterns=None, prefix=""):
    """(name, route, argument names, callback) of every URL but the admin's own."""
    for pattern in patterns or get_resolver().url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            names = list(pattern.pattern.converters) or list(
                pattern.pattern.regex.groupindex
            )
            yield pattern.name, route, names, pattern.callback


def path_of(name, names, ids):
    from django.urls import reverse

    values = {n: ids.get(n) or {"kind": "json", "token": "x"}[n] for n in names}
    return reverse(name, kwargs=values)


def test_every_route_has_a_name():
    assert all(name for name, *_ in routes())


def test_every_view_asks_for_a_login_unless_it_is_on_the_list(client):
    ids = {name: uuid.uuid4() for name in IDS}
    seen = set()
    for name, _, names, _ in routes():
        seen.add(name)
        if name in OPEN:
            continue
        for method in ("get", "post", "patch", "delete"):
            answer = getattr(client, method)(path_of(name, names, ids))
            is_refused = answer.status_code in (401, 403, 405)
            goes_to_login = (
                answer.status_code == 302 and "/login/" in answer["Location"]
            )
            assert is_refused or goes_to_login, (method, name, answer.status_code)
    assert set(OPEN) <= seen, "the list names a view that is gone"


def test_the_admin_is_for_staff_only(client):
    sign_in(client, make_user("bob"))
    answer = client.get("/admin/sessions_app/savedauthentication/")
    assert answer.status_code == 302 and "/admin/login/" in answer["Location"]


BODIES = {
    "api-conversation": {"title": "mine now"},
    "api-credential-key": {"api_key": "sk-evil"},
    "api-credential-share": {"everyone": False},
}


def test_another_persons_ids_are_not_found_and_nothing_changes(client):
    alice = make_user("alice")
    charlie = make_user("charlie")
    conversation = Conversation.objects.create(owner=alice, title="hers")
    message = Message.objects.create(conversation=conversation, role="user", text="x")
    conversation.leaf = message
    conversation.save()
    credential = make_credential(owner=alice, name="hers")
    before = snapshot()
    sign_in(client, charlie)
    ids = {"conversation_id": conversation.pk, "credential_id": credential.pk}
    tried = 0
    for name, _, names, _ in routes():
        if not set(names) & set(IDS):
            continue
        body = (
            {"message_id": str(message.pk)}
            if name == "api-branch"
            else BODIES.get(name, {})
        )
        for method in ("get", "post", "patch", "delete"):
            answer = client.generic(
                method.upper(),
                path_of(name, names, ids),
                json.dumps(body),
                content_type="application/json",
            )
            assert answer.status_code in (404, 405), (method, name, answer.status_code)
            tried += answer.status_code == 404
    assert tried >= 9
    assert snapshot() == before


def snapshot():
    return (
        list(Conversation.objects.values()),
        list(Message.objects.values()),
        list(SavedAuthentication.objects.order_by("pk").values()),
    )


def test_an_own_conversation_with_a_foreign_message_is_not_found(client):
    alice, charlie = make_user("alice"), make_user("charlie")
    hers = Conversation.objects.create(owner=alice)
    message = Message.objects.create(conversation=hers, role="user", text="x")
    mine = Conversation.objects.create(owner=charlie)
    sign_in(client, charlie)
    answer = client.post(
        f"/api/conversations/{mine.pk}/branch/",
        json.dumps({"message_id": str(message.pk)}),
        content_type="application/json",
    )
    assert answer.status_code == 404


def test_state_changes_need_a_csrf_token(client):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    sign_in(strict, make_user("alice"))
    for method, path in (("post", "/api/credentials/"), ("delete", "/api/demo/")):
        answer = getattr(strict, method)(path, "{}", content_type="application/json")
        assert answer.status_code == 403
