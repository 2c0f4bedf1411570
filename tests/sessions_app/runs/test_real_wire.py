"""Runs over the real wire: the emulator serves, the whole of Maestro listens.

Recorded streams must come out of `manage.py chat --json`, and out of the stored message,
exactly as a correct client understands them.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from providers import resolver
from sessions_app.models import Message, Run, SavedAuthentication
from sessions_app.runs import live, service
from tests.emulator import EmulatorProcess
from tests.recordings import Recording, recordings_dir, streams
from tests.sessions_app.factories import make_credential, make_superuser
from tests.sessions_app.factories_runs import ask, wait_for_runs, wait_until

PROVIDERS = {
    "openai_responses": "openai",
    "openai_chat": "custom",
    "anthropic_messages": "anthropic",
    "gemini_generate": "gemini",
}


@pytest.fixture
def admin(transactional_db: None) -> Iterator[User]:
    yield make_superuser("root")
    wait_for_runs()


@pytest.fixture(scope="module")
def player() -> Iterator[EmulatorProcess]:
    """An emulator that replays the recorded streams."""
    process = EmulatorProcess("--pace", 0, "--replay", recordings_dir())
    yield process
    process.stop()


def credential_for(
    owner: User, emulator: EmulatorProcess, slug: str
) -> SavedAuthentication:
    """A credential of this provider that the emulator answers."""
    own = resolver.provider(slug).base_url or resolver.provider("openai").base_url
    vendor = slug if slug in ("anthropic", "gemini") else "openai"
    address = emulator.url(vendor) + urlsplit(own).path.rstrip("/")
    return make_credential(owner=owner, provider=slug, base_url=address)


def chat(**options: Any) -> dict[str, Any]:
    """The document that `manage.py chat --json` prints."""
    out = io.StringIO()
    try:
        call_command("chat", "Why?", json=True, stdout=out, **options)
    except (SystemExit, CommandError):
        pass  # an error in the stream is in the document too
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


@pytest.mark.parametrize("recording", streams())
def test_a_recorded_stream_comes_out_as_it_was_recorded(
    recording: Recording, admin: User, player: EmulatorProcess
) -> None:
    slug = PROVIDERS[recording.dialect]
    credential = credential_for(admin, player, slug)
    player.reset()
    player.replay(recording.name)
    found = chat(credential=credential.name, provider=slug, model="recorded-model")
    expected = recording.expected
    assert found["text"] + found["refusal"] == expected["text"]
    assert found["reasoning"] == expected["reasoning"]
    assert [(c["name"], c["arguments"]) for c in found["tool_calls"]] == [
        (c["name"], c["arguments"]) for c in expected["tool_calls"]
    ]
    assert found["usage_raw"] == expected["usage_raw"]
    assert found["stop_reason_raw"] == expected["stop_reason"]
    assert (found["error"] is None) == (expected["error"] is None)
    stored = Message.objects.get(pk=found["message_id"])
    assert stored.text == found["text"]
    if expected["error"] is None:
        assert found["status"] == "done"


def test_stop_reaches_a_silent_vendor_within_a_second(
    admin: User, emulator: EmulatorProcess
) -> None:
    emulator.script(text="one two three four", stall_s=30)
    credential = credential_for(admin, emulator, "openai")
    started = ask(admin, credential_id=credential.pk)
    wait_until(lambda: any(run.log.seq for run in live.everything()))
    time.sleep(0.2)  # now it is silent
    asked_at = time.monotonic()
    service.stop_run(user=admin, run_id=started.run.pk)
    wait_for_runs()
    assert time.monotonic() - asked_at < 1
    emulator.wait_for_stream("client_closed", within_s=1)
    assert Run.objects.get(pk=started.run.pk).status == Run.Status.STOPPED


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "CredentialRejected"),
        (404, "ModelNotFound"),
        (429, "RateLimited"),
        (500, "ProviderUnavailable"),
    ],
)
def test_what_the_vendor_refuses_is_told_and_the_question_is_kept(
    admin: User, emulator: EmulatorProcess, status: int, kind: str
) -> None:
    emulator.fault("status", status=status)
    credential = credential_for(admin, emulator, "anthropic")
    found = chat(credential=credential.name, provider="anthropic", model="m")
    assert found["error"]["kind"] == kind
    assert found["cause"]
    assert Message.objects.get(role="user").text == "Why?"
    assert len([r for r in emulator.requests() if r["method"] == "POST"]) == 1


def test_a_server_that_is_not_there_is_said_in_words(admin: User) -> None:
    credential = make_credential(
        owner=admin, provider="custom", base_url="http://127.0.0.1:9/v1"
    )
    found = chat(credential=credential.name, provider="custom", model="m")
    assert found["status"] == "failed"
    assert found["error"]["kind"] == "ProviderUnavailable"
