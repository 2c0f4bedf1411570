"""Which trouble means that nothing can be saved, and what people are told then."""

import errno

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, connection

from sessions_app import storage
from tests.sessions_app.factories import make_user, sign_in


def wrapped(cause):
    """As Django hands on what a database driver raises."""
    try:
        raise OperationalError("…") from cause
    except OperationalError as exc:
        return exc


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (psycopg.errors.DiskFull("could not extend file"), storage.FULL),
        (psycopg.errors.ReadOnlySqlTransaction("read-only"), storage.READ_ONLY),
        (OSError(errno.ENOSPC, "No space left on device"), storage.FULL),
        (OSError(errno.EROFS, "Read-only file system"), storage.READ_ONLY),
        (psycopg.errors.DeadlockDetected("deadlock"), ""),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), ""),
    ],
)
def test_it_is_told_from_other_trouble(cause, words):
    assert storage.trouble(wrapped(cause)) == words


def test_nothing_is_wrong_where_there_is_room():
    assert storage.state() == ""
    assert storage.trouble(None) == ""


@pytest.fixture
def read_only():
    """A database that takes no changes, as a mount that turned read-only is."""
    is_sqlite = connection.vendor == "sqlite"
    setting = (
        "PRAGMA query_only = {}"
        if is_sqlite
        else "SET default_transaction_read_only = {}"
    )
    with connection.cursor() as cursor:
        cursor.execute(setting.format("ON"))
    yield
    with connection.cursor() as cursor:
        cursor.execute(setting.format("OFF"))


@pytest.fixture
def alice(client):
    sign_in(client, make_user("alice"))
    client.raise_request_exception = False
    return client


@pytest.mark.django_db(transaction=True)
def test_json_gets_507_in_words_and_reading_goes_on(alice, read_only):
    answer = alice.post("/api/conversations/", {}, content_type="application/json")
    assert answer.status_code == 507
    assert answer.json() == {
        "error": {"code": "storage_full", "message": storage.READ_ONLY}
    }
    assert alice.get("/api/conversations/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_form_gets_a_page_that_says_so(alice, read_only):
    answer = alice.post("/logout/")
    assert answer.status_code == 507
    assert "read-only" in answer.content.decode()


@pytest.mark.django_db
def test_every_page_has_a_banner_while_it_lasts(alice, monkeypatch):
    hidden = 'id="storage-banner" role="alert" hidden'
    assert hidden in alice.get("/").content.decode()
    monkeypatch.setattr(storage, "state", lambda: storage.FULL)
    shown = alice.get("/").content.decode()
    assert hidden not in shown
    assert "storage is full" in shown


def test_another_error_of_the_database_is_not_called_a_full_disk():
    assert storage.trouble(DatabaseError("no such table: x")) == ""
