"""`manage.py credential` and `models`: words and exit codes for every case."""

import io
import json
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from providers.errors import CredentialRejected
from sessions_app.management import new_keys
from sessions_app.models import SavedAuthentication
from tests.sessions_app.factories import make_credential, make_team

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vendor", "staff")]


class Stdin(io.TextIOWrapper):
    def __init__(self, content=b"", *, is_terminal=False):
        super().__init__(io.BytesIO(content))
        self._is_terminal = is_terminal

    def isatty(self):
        return self._is_terminal


def run(*args, stdin=None, monkeypatch=None):
    if monkeypatch:
        monkeypatch.setattr(sys, "stdin", stdin or Stdin())
    out = io.StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def test_a_key_comes_from_stdin(monkeypatch, staff):
    out = run(
        "credential",
        "add",
        "openai",
        "--name=Work Key",
        "--key-stdin",
        stdin=Stdin(b"sk-canary-77\n"),
        monkeypatch=monkeypatch,
    )

    row = SavedAuthentication.objects.get()
    assert (row.name, row.owner) == ("work_key", staff)
    assert row.as_credential().secret("api_key") == "sk-canary-77"
    assert "work_key" in out
    assert "sk-canary" not in out


def test_a_key_comes_from_a_file(tmp_path):
    (tmp_path / "key").write_text("sk-from-file\n")
    out = run(
        "credential",
        "add",
        "openai",
        "--name=work",
        f"--key-file={tmp_path}/key",
        "--json",
    )

    document = json.loads(out)
    assert (document["provider"], document["name"]) == ("openai", "work")
    assert "sk-from-file" not in out
    row = SavedAuthentication.objects.get()
    assert row.as_credential().secret("api_key") == "sk-from-file"


def test_a_key_comes_from_the_vendors_own_variables(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", " sk-test-from-env\n")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://llm.lan/v1")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-env")
    args = ("--name=work", "--organization=org-given", "--from-env")
    out = run("credential", "add", "openai", *args)

    found = SavedAuthentication.objects.get().as_credential()
    assert found.secret("api_key") == "sk-test-from-env"
    assert found.base_url == "https://llm.lan/v1"
    assert found.metadata["organization"] == "org-given"
    assert "sk-test-from-env" not in out


@pytest.mark.parametrize(
    ("provider", "word"),
    [
        ("openai", "OPENAI_API_KEY is not set"),
        ("server", "no variable of its own"),
        ("nobody", "no provider"),
    ],
)
def test_a_variable_that_is_not_there_is_said(monkeypatch, provider, word):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(CommandError, match=word) as caught:
        run("credential", "add", provider, "--name=work", "--from-env")
    assert caught.value.returncode == 2
    assert not SavedAuthentication.objects.exists()


def test_a_key_is_asked_for_on_a_terminal(monkeypatch):
    monkeypatch.setattr(new_keys.getpass, "getpass", lambda prompt: "sk-typed")
    run(
        "credential",
        "add",
        "openai",
        "--name=work",
        stdin=Stdin(is_terminal=True),
        monkeypatch=monkeypatch,
    )

    row = SavedAuthentication.objects.get()
    assert row.as_credential().secret("api_key") == "sk-typed"


def test_without_a_terminal_it_says_where_the_key_may_come_from(monkeypatch):
    with pytest.raises(CommandError, match="--key-stdin") as caught:
        run("credential", "add", "openai", "--name=work", monkeypatch=monkeypatch)
    assert caught.value.returncode == 2


def test_a_key_never_comes_from_the_command_line():
    for flag in ("--key", "--api-key", "--secret", "--token"):
        with pytest.raises(CommandError):
            run("credential", "add", "openai", "--name=work", f"{flag}=sk-x")


def test_a_server_without_keys_is_added_without_asking(monkeypatch):
    run(
        "credential",
        "add",
        "server",
        "--name=lab",
        "--base-url=http://127.0.0.1:8080/v1",
        "--shared",
        monkeypatch=monkeypatch,
    )
    row = SavedAuthentication.objects.get()
    assert (row.base_url, row.is_shared_with_everyone) == (
        "http://127.0.0.1:8080/v1",
        True,
    )


@pytest.mark.parametrize(
    ("args", "code", "word"),
    [
        (["openai", "--name=  "], 2, "name"),
        (["nobody", "--name=work"], 2, "no provider"),
        (["openai", "--name=taken"], 1, "taken"),
        (["openai", "--name=work", "--team=Ghosts"], 2, "team"),
        (["openai", "--name=work", "--user=nobody"], 2, "nobody"),
        (["openai", "--name=work", "--base-url=x"], 2, "http"),
    ],
)
def test_bad_input_is_one_line_and_an_exit_code(monkeypatch, args, code, word):
    make_credential(name="taken")
    with pytest.raises(CommandError, match=word) as caught:
        run(
            "credential",
            "add",
            *args,
            "--key-stdin",
            stdin=Stdin(b"sk-x"),
            monkeypatch=monkeypatch,
        )
    assert caught.value.returncode == code
    assert SavedAuthentication.objects.count() == 1


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 20_000, b""])
def test_what_is_no_key_is_refused(monkeypatch, content):
    with pytest.raises(CommandError) as caught:
        run(
            "credential",
            "add",
            "openai",
            "--name=work",
            "--key-stdin",
            stdin=Stdin(content),
            monkeypatch=monkeypatch,
        )
    assert caught.value.returncode == 2


def test_it_lists_what_the_acting_person_may_use(alice, bob):
    make_credential(name="alices", owner=alice)
    make_credential(name="broken", owner=alice, state="rejected")
    make_credential(name="bobs", owner=bob, team=make_team(alice, bob, name="Core"))

    out = run("credential", "list", "--user=alice")
    assert all(word in out for word in ("alices", "broken", "bobs", "Core", "rejected"))
    assert "alices" not in run("credential", "list", "--user=bob")
    assert "No credentials" in run("credential", "list")
    names = [
        row["name"] for row in json.loads(run("credential", "list", "--all", "--json"))
    ]
    assert names == ["alices", "bobs", "broken"]
    out = run("credential", "list", "--user=alice", "--state=rejected", "--json")
    assert [row["name"] for row in json.loads(out)] == ["broken"]


def test_a_test_says_how_it_is_and_ends_with_3_when_refused(vendor, capsys):
    make_credential(name="work")
    assert "accepts" in run("credential", "test", "work")

    vendor.error = CredentialRejected("OpenAI does not accept this key.")
    out = io.StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("credential", "test", "work", "--json", stdout=out)
    assert caught.value.code == 3
    document = json.loads(out.getvalue())
    assert (document["is_ok"], document["state"]) == (False, "rejected")


def test_deleting_needs_a_word(monkeypatch):
    make_credential(name="work")
    with pytest.raises(CommandError, match="--yes"):
        run("credential", "delete", "work", monkeypatch=monkeypatch)
    assert SavedAuthentication.objects.exists()

    assert "Deleted" in run("credential", "delete", "work", "--yes")
    assert not SavedAuthentication.objects.exists()


def test_deleting_what_is_not_yours_is_not_found(alice, charlie):
    make_credential(name="work", owner=alice)
    with pytest.raises(CommandError, match="no credential") as caught:
        run("credential", "delete", "work", "--yes", "--user=charlie")
    assert caught.value.returncode == 1
    assert SavedAuthentication.objects.exists()


def test_it_lists_models_of_the_default_or_a_named_credential(vendor, alice):
    make_credential(name="work", owner=alice, provider="gemini")
    assert "model-one" in run("models", "--user=alice")
    document = json.loads(run("models", "--user=alice", "--credential=work", "--json"))
    assert document["credential"]["name"] == "work"
    assert document["models"][0]["id"] == "model-one"


def test_models_without_a_credential_say_what_to_do():
    with pytest.raises(CommandError, match="credential add") as caught:
        run("models")
    assert caught.value.returncode == 1


def test_models_of_a_refused_key_fail_in_words(vendor, staff):
    make_credential(owner=staff)
    vendor.error = CredentialRejected("OpenAI does not accept this key.")
    with pytest.raises(CommandError, match="does not accept"):
        run("models")


def test_without_an_administrator_it_says_what_to_do(staff):
    staff.delete()
    with pytest.raises(CommandError, match="createsuperuser") as caught:
        run("credential", "list")
    assert caught.value.returncode == 2


@pytest.mark.parametrize("args", [[], ["dance"], ["add"], ["test"]])
def test_bad_usage_ends_with_2(args):
    done = subprocess.run(
        [sys.executable, "manage.py", "credential", *args],
        capture_output=True,
        text=True,
        check=False,
        cwd=settings.BASE_DIR,
    )
    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert "Traceback" not in done.stderr
