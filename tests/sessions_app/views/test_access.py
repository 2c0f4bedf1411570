"""Deny by default, proven from the URL resolver; foreign ids are not found, everywhere."""

import ast
import json
import uuid
from pathlib import Path

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

import context_app
import sessions_app
from context_app.models import Audit, ContextChunk, ToolIntent
from sessions_app.models import (
    Conversation,
    ConversationShare,
    Invitation,
    Membership,
    Message,
    PendingLogin,
    Run,
    SavedAuthentication,
    SignedInBrowser,
    Team,
)
from sessions_app.services.people import invitations
from tests.sessions_app.factories import (
    make_browser,
    make_credential,
    make_intent,
    make_login,
    make_superuser,
    make_team,
    make_user,
    sign_in,
)

pytestmark = pytest.mark.django_db

# Views that anybody may reach, and why.
OPEN = {
    "healthz": "liveness, says nothing",
    "readyz": "readiness, a word per part",
    "metrics": "has a token of its own",
    "favicon": "a picture",
    "csp-report": "browsers report without a cookie; a bounded line in the log",
    "login": "the way in",
    "logout": "POST with CSRF; nothing to see",
    "setup": "the one-time link is the key",
    "join": "the invitation's link is the key",
    "join-nothing": "says that a link is broken",
    "reset": "the one-time link is the key",
    "reset-nothing": "says that a link is broken",
}
# Not an id but a word in the address.
WORDS = {"token": "x", "provider": "openai"}
IDS = (
    "conversation_id",
    "credential_id",
    "login_id",
    "run_id",
    "intent_id",
    "chunk_id",
    "entry_id",
    "attachment_id",
    "audit_id",
    "person_id",
    "team_id",
    "invitation_id",
    "browser_id",
    "share_id",
)
NUMBERS = {"person_id"}  # of Django's own table
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")

# What a caller of a route with an id would send to have its way.
BODIES = {
    "api-conversation": {"title": "mine now", "archived": True},
    "api-shares": {"person_id": 1, "may_take_part": True},
    "api-branch": {"message_id": "MESSAGE"},
    "api-credential-key": {"api_key": "sk-evil", "base_url": "http://evil.example"},
    "api-credential-share": {"is_shared_with_everyone": False},
    "api-credential-mode": {"mode": "chatgpt"},
    "api-login-answer": {"answer": "code#state"},
    "api-intent": {"approve": True},
    "api-context": {"kind": "system", "text": "Obey me."},
    "api-context-chunk": {"excluded": True, "text": "not hers"},
    "api-context-preview": {"text": "x"},
    "api-context-summary": {},
    "api-library-entry": {"title": "mine now", "text": "x"},
    "team-rename": {},
    "team-add-member": {},
    "team-role": {},
    "api-library-attach": {"credential_id": "00000000-0000-0000-0000-000000000000"},
}
# Routes with an id that take no body.
BARE = {
    "conversation",
    "export-markdown",
    "export-json",
    "api-messages",
    "api-credential",
    "api-credential-test",
    "api-credential-models",
    "api-credential-refresh",
    "api-credential-revoke",
    "api-login",
    "api-run-intents",
    "api-run-attempts",
    "api-run-continuation",
    "api-run-requests",
    "api-context-back",
    "api-context-file",
    "run-requests",
    "api-attachment",
    "audit",
    "api-audit",
    "api-audit-stop",
    "api-audit-again",
    "audit-json",
    "audit-markdown",
    "audit-sarif",
    "account-end",
    "person-close",
    "person-reopen",
    "person-sign-out",
    "person-reset",
    "invitation-renew",
    "invitation-revoke",
    "team",
    "team-delete",
    "team-remove",
    "team-withdraw",
    "api-share",
}


def routes(patterns=None, outer=()):
    """(name, argument names) of every URL but the admin's own."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        names = [*outer, *pattern.pattern.converters]
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from routes(pattern.url_patterns, names)
        elif isinstance(pattern, URLPattern):
            yield pattern.name, names


def nowhere():
    """Ids of nothing."""
    return {name: 10**9 if name in NUMBERS else uuid.uuid4() for name in IDS}


def path_of(name, names, ids):
    return reverse(name, kwargs={n: ids[n] for n in names})


def call(client, method, path, body=None):
    text = None if method in ("get", "head") else json.dumps(body or {})
    return getattr(client, method)(path, text, content_type="application/json")


def test_every_route_has_a_name_of_its_own():
    names = [name for name, _ in routes()]
    assert all(names)
    assert len(names) == len(set(names))


def test_every_view_asks_for_a_login_unless_it_is_on_the_list(client):
    ids = nowhere() | WORDS
    seen = set()
    for name, names in routes():
        seen.add(name)
        if name in OPEN:
            continue
        for method in METHODS:
            answer = call(client, method, path_of(name, names, ids))
            is_refused = answer.status_code in (401, 403, 405)
            goes_to_login = (
                answer.status_code == 302 and "/login/" in answer["Location"]
            )
            assert is_refused or goes_to_login, (method, name, answer.status_code)
    assert set(OPEN) <= seen, "the list names a view that is gone"


def test_an_anonymous_call_of_the_json_is_told_to_sign_in(client):
    answer = client.get("/api/conversations/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "signed_out")


def test_somebody_who_was_deactivated_is_out_at_once(client):
    charlie = make_user("charlie")
    sign_in(client, charlie)
    assert client.get("/api/conversations/").status_code == 200
    charlie.is_active = False
    charlie.save()
    assert client.get("/api/conversations/").status_code == 401
    assert client.get("/").status_code == 302


def test_the_admin_is_for_staff_only(client):
    sign_in(client, make_user("bob"))
    answer = client.get("/admin/sessions_app/savedauthentication/")
    assert answer.status_code == 302 and "/admin/login/" in answer["Location"]


def alices_things():
    """({argument: id}, id of a message) of a conversation with a run, and a key."""
    alice = make_user("alice")
    credential = make_credential(owner=alice, name="hers")
    conversation = Conversation.objects.create(owner=alice, title="hers")
    question = Message.objects.create(conversation=conversation, role="user", text="x")
    answer = Message.objects.create(
        conversation=conversation, parent=question, depth=1, role="assistant"
    )
    conversation.leaf = question
    conversation.save()
    run = Run.objects.create(
        conversation=conversation,
        question=question,
        answer=answer,
        provider="openai",
        auth_type="api_key",
        credential_name="hers",
        model="m",
    )
    login = make_login(user=alice)
    entry = ContextChunk.objects.create(
        applies_to="library", owner=alice, kind="persona", title="hers", text="x"
    )
    attachment = ContextChunk.objects.create(
        applies_to="credential", credential=credential, owner=alice, reference=entry
    )
    chunk = ContextChunk.objects.create(
        conversation=conversation, owner=alice, kind="text", title="hers", text="x"
    )
    team = make_team(alice)
    invitation, _ = invitations.invite(user=make_superuser("root"), team_id=team.pk)
    share = ConversationShare.objects.create(conversation=conversation, team=team)
    ids = {
        "person_id": alice.pk,
        "team_id": team.pk,
        "invitation_id": invitation.pk,
        "browser_id": make_browser(alice).pk,
        "chunk_id": chunk.pk,
        "entry_id": entry.pk,
        "attachment_id": attachment.pk,
        "conversation_id": conversation.pk,
        "credential_id": credential.pk,
        "login_id": login.pk,
        "run_id": run.pk,
        "intent_id": make_intent(run).pk,
        "audit_id": Audit.objects.create(
            owner=alice, source_name="hers", state="done", report={"hers": True}
        ).pk,
        "share_id": share.pk,
    }
    return ids, answer.pk


def body_of(name, message_id):
    """What to send; a route with an id that is in no list fails the test."""
    assert name in BODIES or name in BARE, f"say what {name} takes, in BODIES or BARE"
    body = dict(BODIES.get(name, {}))
    if body.get("message_id"):
        body["message_id"] = str(message_id)
    return body


def test_another_persons_ids_are_not_found_and_nothing_changes(client):
    """S-01: every route that takes an id, every method, whoever is not the owner."""
    ids, message_id = alices_things()
    before = snapshot()
    sign_in(client, make_user("charlie"))
    tried = {}
    for name, names in routes():
        if not set(names) & set(IDS):
            continue
        body = body_of(name, message_id)
        for method in METHODS:
            answer = call(client, method, path_of(name, names, ids), body)
            assert answer.status_code in (404, 405), (method, name, answer.status_code)
            tried[name] = tried.get(name, 0) + (answer.status_code == 404)
    assert tried.keys() == BODIES.keys() | BARE
    assert all(tried.values()), "a route was never asked with a method it has"
    assert snapshot() == before


def test_the_owner_is_answered_where_others_are_not(client):
    """The matrix above would pass with every route broken."""
    ids, message_id = alices_things()
    sign_in(client, Conversation.objects.get().owner)
    for name in ("conversation", "export-markdown", "export-json", "api-messages"):
        path = reverse(name, kwargs={"conversation_id": ids["conversation_id"]})
        assert client.get(path).status_code == 200
    path = reverse("api-branch", kwargs={"conversation_id": ids["conversation_id"]})
    answer = call(client, "post", path, {"message_id": str(message_id)})
    assert len(answer.json()["messages"]) == 2


def test_whom_a_key_is_shared_with_may_use_it_and_change_nothing(client):
    """S-03: sharing for use never grants a change."""
    alice, bob = make_user("alice"), make_user("bob")
    row = make_credential(owner=alice, name="shared", team=make_team(alice, bob))
    before = snapshot()
    sign_in(client, bob)
    listed = client.get("/api/credentials/").json()["credentials"]
    assert [(c["name"], c["may_manage"]) for c in listed] == [("shared", False)]
    kwargs = {"credential_id": row.pk}
    for name, method in (
        ("api-credential-key", "post"),
        ("api-credential-share", "post"),
        ("api-credential", "delete"),
    ):
        body = BODIES.get(name, {})
        answer = call(client, method, reverse(name, kwargs=kwargs), body)
        assert answer.status_code == 403, name
    assert snapshot() == before


def snapshot():
    models = (
        Conversation, Message, Run, SavedAuthentication, PendingLogin, ToolIntent,
        ContextChunk, Team, Membership, Invitation, Audit,
    )  # fmt: skip
    hers = SignedInBrowser.objects.filter(user__username="alice")
    rows = [list(model.objects.order_by("pk").values()) for model in models]
    return (*rows, list(hers.values("pk")))


def test_an_own_conversation_with_a_foreign_message_is_not_found(client):
    """S-05: an own parent and a foreign child."""
    _, message_id = alices_things()
    charlie = make_user("charlie")
    mine = Conversation.objects.create(owner=charlie)
    own = Message.objects.create(
        conversation=Conversation.objects.create(owner=charlie), role="user"
    )
    sign_in(client, charlie)
    before = snapshot()
    for pk in (message_id, own.pk):
        body = {"message_id": str(pk)}
        answer = call(client, "post", f"/api/conversations/{mine.pk}/branch/", body)
        assert answer.status_code == 404
    assert snapshot() == before


def test_a_key_cannot_be_shared_with_a_team_of_others(client):
    """S-04: a foreign key from the client goes through the caller's own rows."""
    charlie = make_user("charlie")
    theirs = make_team(make_user("alice"), make_user("bob"))
    row = make_credential(owner=charlie)
    sign_in(client, charlie)
    share = f"/api/credentials/{row.pk}/share/"
    new = {"provider": "openai", "name": "new", "api_key": "k"}
    for path, body in ((share, {}), ("/api/credentials/", new)):
        foreign = call(client, "post", path, {**body, "team": str(theirs.pk)})
        nowhere = call(client, "post", path, {**body, "team": str(uuid.uuid4())})
        assert foreign.status_code in (400, 404)
        assert foreign.content == nowhere.content  # does not say that it is there
    assert SavedAuthentication.objects.get().team_id is None


def test_state_changes_need_a_csrf_token():
    strict = Client(enforce_csrf_checks=True)
    sign_in(strict, make_user("alice"))
    ids = nowhere() | WORDS
    for name, names in routes():
        if name in ("healthz", "readyz", "metrics", "csp-report"):
            continue
        for method in ("post", "put", "patch", "delete"):
            path = path_of(name, names, ids)
            answer = call(strict, method, path)
            assert answer.status_code == 403, (method, name)
            if path.startswith("/api/"):
                assert answer.json()["error"]["code"] == "csrf"


def doors():
    """The modules that people's requests come in by."""
    for app in (sessions_app, context_app):
        for folder in ("views", "consumers"):
            yield from sorted((Path(app.__file__).parent / folder).glob("*.py"))


def test_doors_reach_rows_through_services_only():
    """S-06: no view and no consumer asks a model; services do, as somebody."""
    files = list(doors())
    assert {path.parts[-3] for path in files} == {"sessions_app", "context_app"}
    found = [
        f"{path.name}:{node.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in ("objects", "_default_manager", "_base_manager")
    ]
    assert found == []
