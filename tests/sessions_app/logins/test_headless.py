"""`manage.py credential login` and its neighbours: without a browser of ours."""

import io
import json
import os
import threading

import pytest
import requests
from django.core.management import CommandError, call_command
from django.db import connections

from sessions_app.models import PendingLogin, SavedAuthentication
from tests.providers.import_files import codex
from tests.sessions_app.factories import make_oauth, make_superuser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin():
    return make_superuser("admin")


@pytest.fixture
def typed(monkeypatch):
    """The write end of the command's stdin."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin, os.fdopen(writing, "w") as keyboard:
        monkeypatch.setattr("sys.stdin", stdin)
        yield keyboard


def lines(out):
    return [json.loads(line) for line in out.getvalue().splitlines()]


class Running:
    """The command in a thread, with what it has printed."""

    def __init__(self, *args):
        self.out = io.StringIO()
        self.error = None
        self._args = args
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            call_command("credential", *self._args, "--json", stdout=self.out)
        except CommandError as exc:
            self.error = exc
        finally:
            connections.close_all()

    def first(self):
        while not self.out.getvalue() and self._thread.is_alive():
            pass
        return lines(self.out)[0]["login"]

    def wait(self):
        self._thread.join(20)
        assert not self._thread.is_alive()
        return lines(self.out)


def test_a_pasted_code_finishes_it(vendor, admin, typed):
    running = Running("login", "anthropic", "--name", "work")
    shown = running.first()
    print(vendor.authorize(shown["authorize_url"]), file=typed, flush=True)
    document = running.wait()[-1]

    assert document["login"]["status"] == "done"
    assert document["credential"]["name"] == "work"
    assert "sk-ant" not in running.out.getvalue()


def test_a_wrong_paste_is_an_error_where_nobody_can_type_again(vendor, admin, typed):
    running = Running("login", "anthropic", "--name", "work")
    running.first()
    print("not#mine", file=typed, flush=True)
    running.wait()
    assert "another login" in str(running.error)
    assert running.error.returncode == 2
    assert not SavedAuthentication.objects.exists()
    assert PendingLogin.objects.get().status == "cancelled"


def test_the_end_of_stdin_cancels_it(vendor, admin, typed):
    running = Running("login", "anthropic", "--name", "work")
    running.first()
    typed.close()
    running.wait()
    assert "Cancelled" in str(running.error)


def test_the_browser_finishes_it_where_nobody_types(listening, admin, typed):
    typed.close()
    running = Running("login", "openai", "--name", "work")
    shown = running.first()
    assert shown["is_listening"]
    requests.get(listening.authorize(shown["authorize_url"]), timeout=10)
    assert running.wait()[-1]["login"]["status"] == "done"


def test_a_device_code_is_waited_for(vendor, admin, typed):
    vendor.oauth_config(device_approved=["*"])
    running = Running("login", "openai", "--name", "work", "--method", "device")
    assert running.first()["user_code"]
    assert running.wait()[-1]["credential"]["plan"] == "Plus"


def test_logging_in_again_is_by_name(vendor, admin, typed):
    running = Running("login", "anthropic", "--name", "work")
    print(vendor.authorize(running.first()["authorize_url"]), file=typed, flush=True)
    running.wait()
    first = SavedAuthentication.objects.get()
    running = Running("login", "anthropic", "--again", "work")
    print(vendor.authorize(running.first()["authorize_url"]), file=typed, flush=True)
    running.wait()
    again = SavedAuthentication.objects.get()
    assert (again.pk, again.generation) == (first.pk, 1)


def told(*args):
    out = io.StringIO()
    call_command("credential", *args, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_a_login_is_renewed_switched_and_taken_back(vendor, admin, typed):
    vendor.oauth_config(device_approved=["*"])
    Running("login", "openai", "--name", "work", "--method", "device").wait()
    assert told("refresh", "work")["is_ok"]
    assert SavedAuthentication.objects.get().generation == 1
    assert told("mode", "work", "api_key")["mode"] == "api_key"
    back = told("revoke", "work")
    assert (back["is_ok"], back["condition"]) == (True, "needs_login")
    with pytest.raises(SystemExit) as end:
        told("refresh", "work")
    assert end.value.code == 3


def test_a_file_is_shown_first_and_imported_under_a_name(admin, tmp_path):
    file = tmp_path / "auth.json"
    file.write_text(json.dumps(codex()))
    (offer,) = told("import", str(file))["offers"]
    assert offer["is_offered"] and "log each other out" in offer["warning"]
    assert not SavedAuthentication.objects.exists()
    saved = told("import", str(file), "--name", "from_codex")
    assert (saved["name"], saved["mode"]) == ("from_codex", "chatgpt")
    row = SavedAuthentication.objects.get()
    assert row.unseal()["refresh_token"] == "rt-test-codex-refresh"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("login", "openai", "--name", "x"), "3 to 50"),
        (
            ("login", "openai", "--name", "work", "--method", "magic"),
            "no login 'magic'",
        ),
        (("login", "groq", "--name", "work"), "does not offer oauth"),
        (("login", "nobody", "--name", "work"), "no provider"),
        (
            ("login", "openai", "--name", "work", "--mode", "free"),
            "Modes of this login",
        ),
        (("refresh", "nobody"), "no credential named"),
        (("mode", "key", "chatgpt"), "no credential named"),
    ],
)
def test_bad_input_is_said_in_words(vendor, admin, args, says):
    with pytest.raises(CommandError, match=says):
        call_command("credential", *args)


def test_a_list_is_filtered_by_condition(admin):
    make_oauth(owner=admin, name="fine")
    make_oauth(owner=admin, name="over", state="needs_login", cause="It has ended.")
    out = io.StringIO()
    call_command("credential", "list", "--state", "needs_login", "--json", stdout=out)
    (view,) = json.loads(out.getvalue())
    assert (view["name"], view["cause"]) == ("over", "It has ended.")
    out = io.StringIO()
    call_command("credential", "list", stdout=out)
    assert "over: It has ended." in out.getvalue()
