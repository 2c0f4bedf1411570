"""S-15: a key goes to its vendor and nowhere else, whatever the vendor does.

Every kind of end is driven with a canary for a key, at log level DEBUG; then everything
that Maestro stores, logs, sends or shows is searched for it.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from sessions_app.models import Conversation, Message, Run, SavedAuthentication
from sessions_app.services import credentials
from tests.emulator import EmulatorProcess
from tests.faults.asking import WIRES, chat
from tests.faults.served import Served
from tests.faults.sweep import found_in_database, is_in
from tests.sessions_app.consumers.page import Page
from tests.sessions_app.factories import sign_in
from tests.sessions_app.factories_runs import make_conversation

# By the look of each vendor's keys; a server of one's own has keys of any look.
CANARIES = {
    "openai": "sk-proj-Canary7zQx41d7KeyThatSings",
    "anthropic": "sk-ant-api03-Canary7zQx41d7KeyThatSings",
    "gemini": "AIzaCanary7zQx41d7KeyThatSingsAllDay",
    "custom": "zQx41d7CanaryWithoutAnyPrefixAtAll",
}
METRICS_TOKEN = "for-the-meters"
every_vendor = pytest.mark.parametrize("provider", list(CANARIES))

MODELS = {wire.provider: wire.model for wire in WIRES.values()}
DIALECTS = {wire.provider: dialect for dialect, wire in WIRES.items()}


@pytest.fixture(autouse=True)
def _fresh_canaries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of this test's own: the database's file remembers those of others."""
    for provider, key in CANARIES.items():
        monkeypatch.setitem(CANARIES, provider, key + secrets.token_hex(6))


@dataclass
class Seen:
    """Everything that left Maestro or was shown, as texts by where they were."""

    texts: list[tuple[str, str]] = field(default_factory=list)

    def add(self, where: str, text: object) -> None:
        self.texts.append((where, str(text)))

    def places_of(self, secret: str) -> list[str]:
        return [where for where, text in self.texts if is_in(text, secret)]


@pytest.fixture
def seen(caplog: pytest.LogCaptureFixture, settings: Any) -> Seen:
    settings.MAESTRO_METRICS_TOKEN = METRICS_TOKEN
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "requests", "asyncio", "django.request"):
        caplog.set_level(logging.DEBUG, logger=name)
    return Seen()


def save_canary(provider: str, user: User, base_url: str = "") -> SavedAuthentication:
    return credentials.add_api_key(
        user=user,
        provider=provider,
        name="canary",
        api_key=CANARIES[provider],
        base_url=base_url,
    )


def look_everywhere(user: User, seen: Seen, caplog: Any) -> None:
    """Every page, answer, command, export and log record there is."""
    client = Client()
    sign_in(client, user)
    row = SavedAuthentication.objects.get(name="canary")
    paths = ["/", "/credentials/", "/metrics", "/healthz", "/readyz"]
    paths += ["/api/conversations/", "/api/credentials/", "/api/providers/"]
    paths += [f"/api/credentials/{row.pk}/models/", "/admin/"]
    listed = "/admin/sessions_app/savedauthentication/"
    paths += [listed, f"{listed}add/", f"{listed}?q={row.name}"]
    paths += [
        f"{listed}{row.pk}/{word}/"
        for word in ("change", "history", "delete", "key", "share")
    ]
    for pk in Conversation.objects.values_list("pk", flat=True):
        paths += [f"/c/{pk}/", f"/c/{pk}/export.md", f"/c/{pk}/export.json"]
        paths += [f"/api/conversations/{pk}/", f"/api/conversations/{pk}/messages/"]
    for path in paths:
        answer = client.get(path, HTTP_AUTHORIZATION=f"Bearer {METRICS_TOKEN}")
        body = b"".join(answer) if answer.streaming else answer.content
        assert answer.status_code not in (404, 500), path
        seen.add(f"GET {path}", f"{answer.headers}{body.decode()}")
    tested = client.post(f"/api/credentials/{row.pk}/test/", b"{}", "application/json")
    seen.add("POST test", tested.content.decode())
    button = client.post(f"{listed}{row.pk}/test/", follow=True)
    seen.add("POST admin test", button.content.decode())
    for args in (["credential", "list"], ["credential", "list", "--json"]):
        out = io.StringIO()
        call_command(*args, stdout=out)
        seen.add(" ".join(args), out.getvalue())
    look_into_objects(row, seen)
    seen.add("the log", caplog.text)
    for record in caplog.records:
        seen.add(f"log record {record.msg}", vars(record))


def look_into_objects(row: SavedAuthentication, seen: Seen) -> None:
    """What a traceback or a debugger would print."""
    seen.add("repr of a row", f"{row!r} {row}")
    seen.add("repr of a credential", repr(row.as_credential()))
    for run in Run.objects.all():
        seen.add("repr of a run", f"{run!r} {run.error} {run.cause}")


def check_no_leak(provider: str, user: User, seen: Seen, caplog: Any) -> None:
    """0 hits; and the sealed column does hold it, so it was there to be found."""
    look_everywhere(user, seen, caplog)
    key = CANARIES[provider]
    assert seen.places_of(key) == []
    assert found_in_database(key) == []
    row = SavedAuthentication.objects.get(name="canary")
    assert row.unseal() == {"api_key": key}
    assert len(seen.texts) > 30


def ways_to_end(emulator: EmulatorProcess) -> dict[str, Callable[[], Any]]:
    """What the vendor does, by the status it leaves a run in."""
    faults = ["cut", "reset", "error", "garbage", "html", "content_type", "redirect"]
    ways: dict[str, Callable[[], Any]] = {
        kind: lambda kind=kind: emulator.fault(kind, location="http://127.0.0.1:9/x")
        for kind in faults
    }
    for status in (400, 401, 403, 404, 429, 500, 503):
        ways[str(status)] = lambda status=status: emulator.fault(
            "status", status=status
        )
    return {"good": lambda: None, **ways}


@every_vendor
def test_no_end_of_an_answer_leaks_the_key(
    provider: str, alice: User, vendors: EmulatorProcess, seen: Seen, caplog: Any
) -> None:
    url = f"{vendors.url('compatible')}/v1" if provider == "custom" else ""
    row = save_canary(provider, alice, url)
    for name, happen in ways_to_end(vendors).items():
        vendors.reset()
        happen()
        shown, code = chat(row, MODELS[provider])
        assert code == (0 if name == "good" else 1), name
        seen.add(f"chat --json after {name}", json.dumps(shown))
        for request in vendors.requests():  # the key's own header is kept as a hash
            seen.add("a request to the vendor", json.dumps(request))
    vendors.reset()
    vendors.fault("status", status=401)
    with pytest.raises(CommandError) as refused:
        call_command("models", "--credential", "canary", "--provider", provider)
    seen.add("models after 401", f"{refused.value!r}")
    check_no_leak(provider, alice, seen, caplog)


@every_vendor
def test_a_dead_server_and_an_unknown_name_do_not_leak_the_key(
    provider: str, alice: User, seen: Seen, caplog: Any, closed_port: int
) -> None:
    ways = {"dead": f"http://127.0.0.1:{closed_port}", "dns": "http://nowhere.invalid"}
    for name, address in ways.items():
        SavedAuthentication.objects.filter(name="canary").delete()
        row = save_canary(provider, alice, f"{address}/v1")
        shown, code = chat(row, MODELS[provider])
        assert (code, shown["error"]["kind"]) == (1, "ProviderUnavailable")
        seen.add(name, json.dumps(shown))
    check_no_leak(provider, alice, seen, caplog)


def _json_error(key: str) -> bytes:
    error = {"message": f"Incorrect API key provided: {key}", "type": f"bad {key}"}
    return json.dumps({"error": {**error, "code": key, "param": key}}).encode()


def _long_error(key: str) -> bytes:
    words = "x" * 990 + f" {key} is not a key"
    return json.dumps({"error": {"message": words}}).encode()


ECHOES: dict[str, tuple[int, str, Callable[[str], bytes]]] = {
    "401": (401, "application/json", _json_error),
    "cut to length": (400, "application/json", _long_error),
    "500 in plain text": (500, "text/plain", lambda key: f"no: {key}".encode()),
    "a page": (200, "text/html", lambda key: f"<h1>{key}</h1>".encode()),
    "an error as 200": (200, "application/json", _json_error),
    "an error in the stream": (
        200,
        "text/event-stream",
        lambda key: b"event: error\ndata: " + _json_error(key) + b"\n\n",
    ),
    "garbage in the stream": (
        200,
        "text/event-stream",
        lambda key: f"data: {{{key}\n\n".encode(),
    ),
}


@every_vendor
def test_a_vendor_that_repeats_the_key_is_not_quoted(
    provider: str, alice: User, server: Served, seen: Seen, caplog: Any
) -> None:
    row = save_canary(provider, alice, f"{server.url}/v1")
    for name, (status, kind, echo) in ECHOES.items():
        server.answer(status, b"", {"content-type": kind})
        server.echo = echo
        shown, code = chat(row, MODELS[provider])
        assert code == 1, name
        seen.add(f"chat --json after {name}", json.dumps(shown))
    assert set(server.seen_keys) == {CANARIES[provider]}, "it was sent, and repeated"
    check_no_leak(provider, alice, seen, caplog)


@every_vendor
async def test_no_frame_of_a_good_a_failed_and_a_stopped_run_holds_the_key(
    provider: str, alice: User, vendors: EmulatorProcess, seen: Seen, caplog: Any
) -> None:
    url = f"{vendors.url('compatible')}/v1" if provider == "custom" else ""
    row = await sync_to_async(save_canary)(provider, alice, url)
    ask = {"credential_id": row.pk, "model": MODELS[provider]}
    async with Page(alice) as page:
        for way in ("good", "401", "stop"):
            if way == "401":
                vendors.fault("status", status=401)
            if way == "stop":
                vendors.script(text="one two three four five six", stall_s=20)
            run_id = (await page.ask(**ask))["run"]["id"]
            if way == "stop":
                await page.until("batch")
                await page.say(type="stop", run_id=run_id)
            await page.until_over(run_id)
        statuses = [run["status"] for run in page.runs.values()]
        for frame in page.frames:
            seen.add(f"frame {frame['type']}", json.dumps(frame))
    assert statuses == ["done", "failed", "stopped"]
    await sync_to_async(check_no_leak)(provider, alice, seen, caplog)


@pytest.mark.parametrize("path", ["/api/credentials/", "/api/credentials/try/"])
def test_a_key_that_is_refused_before_it_is_saved_is_not_repeated(
    path: str, alice: User, server: Served, seen: Seen, caplog: Any
) -> None:
    client = Client()
    sign_in(client, alice)
    key = CANARIES["custom"]
    server.answer(401, b"")
    server.echo = _json_error
    good = {"provider": "custom", "name": "n", "api_key": key, "base_url": server.url}
    wrong: list[dict[str, Any]] = [
        {"provider": "no-such"},
        {"name": "   "},
        {"api_key": f"{key}\n"},
        {"base_url": f"http://user:{key}@x/"},
        {"extra_headers": key},
        {"team": key},
        {"api_key": [key]},
    ]
    for change in wrong if path.endswith("/credentials/") else [{}, *wrong]:
        answer = client.post(path, json.dumps(good | change), "application/json")
        seen.add(f"{path} {list(change)}", answer.content.decode())
    seen.add("the log", caplog.text + "".join(str(vars(r)) for r in caplog.records))
    assert seen.places_of(key) == []
    assert found_in_database(key) == []


@pytest.mark.parametrize(
    "leak",
    [
        lambda key: key,
        lambda key: f"x{key}y",
        lambda key: key.encode().hex(),
        lambda key: base64.b64encode(f"Bearer {key}".encode()).decode(),
    ],
)
def test_the_search_finds_a_key_that_is_there(
    leak: Callable[[str], str], alice: User
) -> None:
    key = f"planted{secrets.token_hex(12)}"  # its traces stay in the database's file
    assert found_in_database(key) == []
    Message.objects.create(
        conversation=make_conversation(alice), role="user", text=leak(key), parts=[]
    )
    assert "sessions_app_message.text" in found_in_database(key)
