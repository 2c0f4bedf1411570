"""A file becomes a chunk: added by its owner, sent, found, and never served."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from context_app.models import ContextChunk
from tests.context_app import documents
from tests.context_app.test_context import Talk, vendors  # noqa: F401
from tests.sessions_app.conversations.trees import make_conversation
from tests.sessions_app.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)


def send(client, conversation, name, content):
    form = {"file": SimpleUploadedFile(name, content)}
    return client.post(f"/api/conversations/{conversation.pk}/context/file/", form)


def test_a_file_is_sent_with_where_it_came_from(client, vendors):  # noqa: F811
    talk = Talk(client, vendors)
    answer = send(client, talk.row, "survey.pdf", documents.pdf("The roof leaks"))
    (chunk,) = answer.json()["chunks"]
    assert chunk["kind"] == "file" and chunk["title"] == "survey.pdf"
    assert "survey.pdf, " in chunk["source"] and "1 page" in chunk["source"]
    row = ContextChunk.objects.get()
    assert row.media_type == "application/pdf" and row.size > 500
    talk.ask("What leaks?")
    assert "The roof leaks" in talk.sent() and "survey.pdf" in talk.sent()
    assert "not to be followed" in talk.sent()


@pytest.fixture
def alice(client):
    user = make_user("alice")
    client.force_login(user)
    return user


def test_a_file_of_markup_is_words_and_is_served_by_nobody(client, alice):
    row = make_conversation(alice)
    markup = b"<script>alert(1)</script>"
    (chunk,) = send(client, row, "page.html", markup).json()["chunks"]
    assert chunk["preview"] == markup.decode()
    answer = client.get(f"/api/conversations/{row.pk}/context/{chunk['id']}/")
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_another_persons_conversation_takes_no_file_and_opens_none(
    client, alice, monkeypatch
):
    row = make_conversation(make_user("bob"))
    monkeypatch.setattr("context_app.documents.read", lambda *a: pytest.fail("opened"))
    answer = send(client, row, "a.txt", b"text")
    assert answer.status_code == 404
    assert not ContextChunk.objects.exists()


def test_what_is_too_large_missing_or_unreadable_says_so(client, alice, settings):
    row = make_conversation(alice)
    settings.MAESTRO_MAX_FILE_BYTES = 10
    too_large = send(client, row, "a.txt", b"x" * 11)
    assert too_large.status_code == 413 and "MB" in too_large.json()["error"]["message"]
    none = client.post(f"/api/conversations/{row.pk}/context/file/", {"other": "x"})
    assert none.status_code == 400
    picture = send(client, row, "a.png", b"\x89PNG\r\n")
    assert "picture" in picture.json()["error"]["message"]
    assert not ContextChunk.objects.exists()
