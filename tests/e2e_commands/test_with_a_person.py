"""Against vendors: a person at the terminal, keys from stdin, our own cuts.

The vendors' origins lead to the emulator, and the command knows nothing of it.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from maestro.proof import around
from sessions_app.models import PendingLogin, SavedAuthentication, UsageDay
from sessions_app.services.logins import listener
from tests.e2e_commands.conftest import run
from tests.sessions_app.factories import make_credential
from tests.sessions_app.usage.counting import make_limit


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], None]], None]:
    """`told(act)`: call `act` with the login's address, in a thread, once it is said."""

    def arrange(act: Callable[[str], None]) -> None:
        instructions = around.login_command.instructions

        def said(shown: dict[str, Any]) -> str:
            threading.Thread(target=act, args=(shown["authorize_url"],)).start()
            return instructions(shown)

        monkeypatch.setattr(around.login_command, "instructions", said)

    return arrange


def test_a_pasted_code_is_a_login(vendors, typed, told):
    told(lambda url: print(vendors.authorize(url), file=typed, flush=True))
    proved = run("e2e", "anthropic", "oauth", "--json")
    assert proved.code == 0, proved.err
    assert proved.document["against"] == "vendor"
    assert proved.verdict("recovered")["seen"].startswith("continued")
    assert not SavedAuthentication.objects.exists()
    assert not PendingLogin.objects.exists()


def test_a_pasted_address_is_a_login(vendors, typed, told):
    told(lambda url: print(vendors.authorize(url), file=typed, flush=True))
    proved = run(
        "e2e", "openai", "oauth", "--login-way", "paste", "--mode", "api_key", "--json"
    )
    assert proved.code == 0, proved.err
    assert "by a pasted address" in proved.verdict("sign_in")["seen"]
    assert "as the login was made" in proved.verdict("mode")["seen"]
    assert "a second exchange" in proved.verdict("mode")["seen"]


def test_a_code_on_another_device_is_a_login(vendors, typed):
    vendors.oauth_config(device_approved=["*"], device_interval_s=1)
    typed.close()
    proved = run(
        "e2e", "openai", "oauth", "--login-way", "device", "--mode", "chatgpt", "--json"
    )
    assert proved.code == 0, proved.err
    assert "answered by device" in proved.verdict("sign_in")["seen"]


def test_the_browser_brings_the_answer_while_nobody_types(prove, told, typed):
    typed.close()
    proved = prove("gemini", "oauth", "--login-way", "browser")
    assert proved.code == 0, proved.err
    assert "by its callback" in proved.verdict("sign_in")["seen"]


def test_a_key_comes_from_stdin_and_is_seen_nowhere(vendors, monkeypatch):
    key = "sk-of-the-operator-7c1e"
    reading, writing = os.pipe()
    os.write(writing, key.encode())
    os.close(writing)
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        proved = run("e2e", "openai", "api_key", "--key-stdin", "--json")
    assert proved.code == 0, proved.err
    assert proved.verdict("cut")["seen"].startswith("StreamCut")
    assert proved.verdict("retried")["seen"].startswith("StreamCut")
    assert key not in proved.out + proved.err
    assert not SavedAuthentication.objects.exists()


def test_a_saved_credential_is_used_and_stays_as_it_is(vendors):
    row = make_credential(
        provider="openai", name="work", owner=None, is_shared_with_everyone=True
    )
    proved = run("e2e", "openai", "api_key", "--credential", "work", "--json")
    assert proved.code == 0, proved.err
    before = (row.secrets, row.generation)
    row.refresh_from_db()
    assert (row.secrets, row.generation) == before


def test_what_was_made_can_be_kept(prove):
    proved = prove("openai", "api_key", "--keep")
    assert proved.code == 0
    assert "was kept" in proved.verdict("cleaned")["seen"]
    assert SavedAuthentication.objects.get().name.startswith("e2e-api_key-")


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_stopping_while_a_login_is_awaited_leaves_nothing(
    vendors, typed, told, signum, code
):
    limits: list[Any] = []

    def stop(url: str) -> None:
        waiting = [w for w in listener._open.values() if w.is_open]
        limits.extend(listening._timer for listening in waiting)
        os.kill(os.getpid(), signum)

    told(stop)
    proved = run("e2e", "openai", "oauth")
    assert proved.code == code
    assert not any(limits)  # nothing would have ended the waiting but the person
    assert "Stopped" in proved.err
    assert not PendingLogin.objects.exists()
    assert not SavedAuthentication.objects.exists()
    for thread in threading.enumerate():  # it closes in a thread of its own
        if thread.name.startswith(("login-callback", "listener-close")):
            thread.join(10)
            assert not thread.is_alive()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nobody_there_to_paste_is_a_failed_login(vendors, typed):
    typed.close()
    proved = run("e2e", "anthropic", "oauth", "--json")
    assert (proved.code, proved.failed) == (3, ["sign_in"])
    assert "nobody types here" in proved.verdict("sign_in")["seen"]


def test_a_provider_that_is_no_big_vendor_is_proven_by_key(prove):
    proved = prove("groq", "api_key")
    assert proved.code == 0, proved.err
    assert proved.document["paths"][0]["rounds"][0]["answers"]["answer"]["deltas"] > 20


def test_no_secret_is_in_what_is_said(prove, paced):
    proved = prove("openai", "oauth")
    assert proved.code == 0, proved.err
    said = proved.out + proved.err
    assert around.KEY not in said
    for mark in ("eyJ", "sk-", "rt_", "Bearer", "code=", "state="):
        assert mark not in said


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("nobody", "api_key"), "no provider"),
        (("openai", "magic"), "oauth or api_key"),
        (("groq", "oauth"), "groq is signed in to by api_key"),
        (("all", "oauth"), "proves both"),
        (("anthropic", "oauth", "--login-way", "device"), "no login by device"),
        (("openai", "oauth", "--method", "magic"), "no login 'magic'"),
        (("openai", "api_key", "--credential", "x", "--emulator"), "leave out"),
        (("openai", "api_key", "--timeout", "0"), "more than 0"),
        (("openai", "api_key", "--report", "/nowhere/at/all.json"), "no folder"),
        (("all", "--key-stdin"), "does not fit several"),
        (("openai", "api_key", "--emulator-at", "http://192.0.2.1:80"), "this machine"),
    ],
)
def test_bad_usage_is_said_in_words(paced, args, says):
    proved = run("e2e", *args)
    assert says in proved.err
    assert proved.code == 2
    assert proved.out == ""


def ask_with_key(monkeypatch, *args: str):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-operator-7c1e")
    return run("e2e", "openai", "api_key", "--from-env", "--json", *args)


def test_what_it_spends_is_counted(vendors, monkeypatch):
    proved = ask_with_key(monkeypatch)
    assert proved.code == 0, proved.err
    told = proved.document["totals"]
    day = UsageDay.objects.get()
    assert day.person_name == "admin"
    assert day.requests >= 4
    assert day.output_tokens >= told["output_tokens"] > 0


def test_a_limit_that_is_reached_holds_for_it_too(vendors, monkeypatch):
    make_limit("requests", 1)
    proved = ask_with_key(monkeypatch)
    assert proved.code == 3
    assert "stopped" in proved.failed
    assert not SavedAuthentication.objects.exists()


def test_what_the_emulator_answers_costs_nothing(prove):
    proved = prove("openai", "api_key")
    assert proved.code == 0, proved.err
    day = UsageDay.objects.get()
    assert day.requests >= 4
    assert day.nanos == 0
