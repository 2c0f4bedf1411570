"""What goes wrong at a vendor, end to end: said clearly, nothing lost, nothing half saved.

person asks ─▶ stored ─▶ vendor refuses, dies, stalls, is cut ─▶ FAILED + what to do
                                                               text so far is kept
"""

from __future__ import annotations

import io
import json
import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from providers.http import HttpSettings, configure
from sessions_app.models import Run
from tests.emulator import EmulatorProcess
from tests.faults.asking import QUESTION, WIRES, chat, credential_for, run_of
from tests.faults.failing import check_failed, check_nothing_is_half
from tests.faults.served import Served
from tests.sessions_app.factories import make_credential

every_wire = pytest.mark.parametrize("dialect", list(WIRES))
WORDS = "one two three four five six seven eight"


@every_wire
def test_a_wrong_key_is_marked_and_the_person_is_asked_for_a_new_one(
    dialect: str, alice: User, vendors: EmulatorProcess
) -> None:
    credential = credential_for(dialect, alice, vendors, key="bad-key")
    shown, code = chat(credential, WIRES[dialect].model)

    says = f"{WIRES[dialect].label} does not accept this key. Check that it is copied"
    check_failed(shown, code, "CredentialRejected", says)
    credential.refresh_from_db()
    assert credential.state == "rejected"
    assert credential.cause == shown["error"]["advice"]


@every_wire
def test_an_unknown_model_asks_to_pick_another(
    dialect: str, alice: User, vendors: EmulatorProcess
) -> None:
    credential = credential_for(dialect, alice, vendors)
    shown, code = chat(credential, "no-such-model")
    check_failed(shown, code, "ModelNotFound", "Pick another one from the list.")
    assert "no-such-model" in shown["error"]["message"]
    credential.refresh_from_db()
    assert credential.state == "ok"


@every_wire
def test_too_many_requests_say_how_long_to_wait(
    dialect: str, alice: User, vendors: EmulatorProcess
) -> None:
    credential = credential_for(dialect, alice, vendors)
    vendors.fault("status", status=429, retry_after_s=7)
    shown, code = chat(credential, WIRES[dialect].model)
    check_failed(shown, code, "RateLimited", "Try again in 7 seconds.")
    assert shown["error"]["retry_after_s"] == 7
    asked = [r for r in vendors.requests() if r["method"] == "POST"]
    assert len(asked) == 1, "nobody repeats it unasked"


@every_wire
@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (403, "PermissionRefused", "Check the rights of the key"),
        (413, "ContextTooLong", "Remove something, start a new conversation"),
        (500, "ProviderUnavailable", "Try again in a moment"),
        (503, "Overloaded", "Try again in a moment"),
    ],
)
def test_a_refusal_says_what_to_do(
    dialect: str, status: int, kind: str, says: str, alice: User, vendors: Any
) -> None:
    credential = credential_for(dialect, alice, vendors)
    vendors.fault("status", status=status)
    shown, code = chat(credential, WIRES[dialect].model)
    check_failed(shown, code, kind, says)
    assert shown["error"]["status"] == status


@every_wire
@pytest.mark.parametrize("how", ["cut", "reset"])
def test_an_answer_that_is_cut_fails_and_keeps_its_text(
    dialect: str, how: str, alice: User, vendors: EmulatorProcess
) -> None:
    credential = credential_for(dialect, alice, vendors)
    vendors.script(text=WORDS)
    vendors.fault(how)
    shown, code = chat(credential, WIRES[dialect].model)
    assert "eight" not in shown["text"]
    check_failed(shown, code, "StreamCut", "is kept; try again", text="one two")


@every_wire
def test_a_silent_vendor_is_given_up_and_its_text_kept(
    dialect: str, alice: User, vendors: EmulatorProcess, settings: Any
) -> None:
    settings.MAESTRO_IDLE_TIMEOUT_S = 0.5
    credential = credential_for(dialect, alice, vendors)
    vendors.script(text=WORDS)
    vendors.fault("stall", delay_s=20)
    began = time.monotonic()
    shown, code = chat(credential, WIRES[dialect].model)
    assert time.monotonic() - began < 5
    check_failed(shown, code, "StreamStalled", "try again", text="one two")
    vendors.wait_for_stream("client_closed")


@every_wire
def test_an_error_in_the_middle_is_said_and_the_text_kept(
    dialect: str, alice: User, vendors: EmulatorProcess
) -> None:
    credential = credential_for(dialect, alice, vendors)
    vendors.script(text=WORDS)
    vendors.fault("error")
    shown, code = chat(credential, WIRES[dialect].model)
    run = run_of(shown)
    check_failed(shown, code, run.error["kind"], ".", text="one two")
    assert shown["error"]["message"] != shown["error"]["advice"], "the vendor's words"


@every_wire
def test_garbage_in_the_middle_is_a_failure_and_the_text_kept(
    dialect: str, alice: User, vendors: EmulatorProcess
) -> None:
    credential = credential_for(dialect, alice, vendors)
    vendors.script(text=WORDS)
    vendors.fault("garbage")
    shown, code = chat(credential, WIRES[dialect].model)
    check_failed(shown, code, "ProtocolError", "try again", text="one two")


@every_wire
@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("html", "Check the base URL"),
        ("content_type", "Check the base URL"),
        ("redirect", "change the base URL"),
    ],
)
def test_what_is_no_vendor_at_all_asks_to_check_the_address(
    dialect: str, kind: str, says: str, alice: User, vendors: EmulatorProcess
) -> None:
    credential = credential_for(dialect, alice, vendors)
    vendors.fault(kind, location="http://127.0.0.1:9/")
    shown, code = chat(credential, WIRES[dialect].model)
    check_failed(shown, code, "ProtocolError", says)


@every_wire
def test_a_dead_server_says_that_nothing_answers_there(
    dialect: str, alice: User, vendors: EmulatorProcess, closed_port: int
) -> None:
    dead = f"http://127.0.0.1:{closed_port}"
    configure(HttpSettings(reroute=dict.fromkeys(vendors.origins(), dead)))
    credential = credential_for(dialect, alice, vendors)
    if credential.base_url:
        type(credential).objects.update(base_url=f"{dead}/v1")
    shown, code = chat(credential, WIRES[dialect].model)
    check_failed(
        shown, code, "ProviderUnavailable", "Check that the server runs, and the base"
    )
    credential.refresh_from_db()
    assert credential.state == "ok", "a dead server says nothing about the key"


def test_a_name_nobody_knows_asks_to_check_address_and_network(alice: User) -> None:
    credential = make_credential(
        owner=alice,
        provider="custom",
        name="typo",
        base_url="http://no-such-host.invalid/v1",
    )
    shown, code = chat(credential, "m")
    check_failed(
        shown,
        code,
        "ProviderUnavailable",
        "no-such-host.invalid cannot be found. Check",
    )


@every_wire
def test_an_answer_the_model_declines_is_kept_and_marked(
    dialect: str, alice: User, vendors: EmulatorProcess
) -> None:
    credential = credential_for(dialect, alice, vendors)
    vendors.script(text="I can't help with that.", stop="refusal")
    shown, code = chat(credential, WIRES[dialect].model)
    run = run_of(shown)
    assert code == 0
    assert run.status == Run.Status.DONE
    assert shown["stop_reason"] in ("refusal", "content_filter")
    check_nothing_is_half(run)


def test_a_prompt_the_vendor_blocks_says_so(alice: User, server: Served) -> None:
    configure(HttpSettings(reroute={"https://api.openai.com": server.url}))
    words = "Invalid prompt: we've limited access to this content for safety reasons."
    error = {
        "message": words,
        "type": "invalid_request_error",
        "code": "invalid_prompt",
    }
    server.answer(400, json.dumps({"error": error}).encode())
    credential = make_credential(owner=alice, provider="openai", name="work")
    shown, code = chat(credential, "gpt-5.5")
    check_failed(shown, code, "ContentBlocked", "Say it in another way.")
    assert shown["error"]["message"] == words


def test_after_a_failure_the_conversation_goes_on(
    alice: User, vendors: EmulatorProcess
) -> None:
    credential = credential_for("anthropic_messages", alice, vendors)
    model = WIRES["anthropic_messages"].model
    vendors.script(text=WORDS)
    vendors.fault("cut")
    failed, _ = chat(credential, model)
    vendors.script(text="Because of Rayleigh.")
    again, code = chat(
        credential, model, "Go on.", "--conversation", failed["conversation_id"]
    )
    assert (code, again["text"]) == (0, "Because of Rayleigh.")
    assert run_of(failed).answer.text == failed["text"], "the first answer stays"
    said = json.dumps(vendors.bodies()[-1]["messages"])
    assert QUESTION in said and failed["text"] in said and "Go on." in said


def test_a_declined_answer_without_words_is_explained_on_the_terminal(
    alice: User, vendors: EmulatorProcess
) -> None:
    credential_for("anthropic_messages", alice, vendors)
    vendors.script(text="", stop="refusal")
    out, err = io.StringIO(), io.StringIO()
    model = WIRES["anthropic_messages"].model
    call_command("chat", QUESTION, "--model", model, stdout=out, stderr=err)
    assert out.getvalue() == "\n"
    assert "The model declined. Say it in another way" in err.getvalue()
