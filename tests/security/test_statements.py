"""S-27: words from outside are values of a statement, never a part of it."""

from __future__ import annotations

import ast
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from tests.security import things
from tests.security.test_one_way_in import NAMES
from tests.sessions_app.conversations.trees import make_conversation
from tests.sessions_app.factories import make_user, sign_in

ROOT = Path(settings.BASE_DIR)
# Where statements are written by hand. Names of our own tables stand in them; whatever
# comes from people is handed over beside them.
WRITES_STATEMENTS = {
    "context_app/apps.py",  # triggers, after each migration
    "context_app/full_text/ask.py",
    "maestro/checks.py",
    "maestro/operations/locks.py",
    "maestro/operations/overview.py",
    "maestro/operations/postgres.py",
    "maestro/operations/rehearsal.py",
    "maestro/operations/restoring.py",
    "maestro/operations/scratch.py",
    "maestro/operations/sqlite.py",
    "sessions_app/runs/log/writer.py",
    "sessions_app/services/branches.py",
    "sessions_app/services/rotation.py",
}
INJECTIONS = (
    "' OR '1'='1",
    '" OR 1=1 --',
    "'; DROP TABLE auth_user; --",
    "x' UNION SELECT password FROM auth_user --",
    "%' OR '%'='",
    "1) OR (1=1",
    "\\'; SELECT 1; --",
    "a* OR conversation:*",
    "title NEAR(secret) NOT x",
    "secret' & !'x",
)


def writes_statements(text: str) -> bool:
    """Whether it opens a cursor, or puts SQL into a query."""
    calls = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call))
    return any(
        (
            isinstance(call.func, ast.Attribute)
            and call.func.attr in ("cursor", "raw", "extra")
        )
        or (isinstance(call.func, ast.Name) and call.func.id == "RawSQL")
        for call in calls
    )


@pytest.mark.parametrize(
    "text",
    [
        "connection.cursor()",
        "Run.objects.raw(x)",
        "rows.extra(where=[x])",
        "RawSQL(x, [])",
    ],
)
def test_the_check_itself_finds_a_statement(text: str) -> None:
    assert writes_statements(text)


def test_statements_are_written_in_these_places_and_in_no_other() -> None:
    found = {
        str(path.relative_to(ROOT))
        for folder in ("maestro", "sessions_app", "context_app")
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts and writes_statements(path.read_text())
    }
    assert found == WRITES_STATEMENTS


@pytest.mark.django_db
def test_no_word_in_a_header_or_cookie_is_anybody() -> None:
    make_user("alice")
    before = (things.snapshot(), User.objects.count())
    for word in INJECTIONS:
        for name in NAMES:
            answer = Client().get("/api/conversations/", headers={name: word})
            assert answer.status_code == 401, (name, word)
        stranger = Client()
        stranger.cookies["sessionid"] = word
        assert stranger.get("/api/conversations/").status_code == 401, word
    assert (things.snapshot(), User.objects.count()) == before


@pytest.mark.django_db
def test_no_search_finds_more_than_its_words() -> None:
    alice, bob = make_user("alice"), make_user("bob")
    make_conversation(alice, title="alice's secret")
    own = make_conversation(bob, title="bob's plan")
    client = Client()
    sign_in(client, bob)
    found = client.get("/api/conversations/?q=plan").json()["conversations"]
    assert [row["id"] for row in found] == [str(own.pk)]  # a search does find
    for word in INJECTIONS:
        answer = client.get(f"/api/conversations/?q={quote(word)}")
        assert answer.status_code == 200, word
        assert answer.json()["conversations"] == [], word
    assert User.objects.count() == 2
