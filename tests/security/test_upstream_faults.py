"""R-5, F1 to F3: whatever a vendor does, a run ends with a word for it, keeps its text,
and leaves no thread, no stream and no connection behind.

What a fault means is proven beside the code that decides it; here, that each one ends.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import psutil
import pytest

from providers import errors, http, provider
from providers.events import TERMINAL, Finished, StreamError, TextDelta
from providers.http import HttpSettings, pool
from providers.retry import Limits
from providers.store import MemoryStore
from providers.streaming import parse_stream
from providers.types import Message, TextPart
from sessions_app.models import Run
from sessions_app.runs import retrying
from sessions_app.runs.log import live
from tests.emulator import EmulatorProcess
from tests.providers.emulator import raw
from tests.sessions_app.factories import make_credential, make_user
from tests.sessions_app.factories_runs import ask, wait_for_runs, wait_until

IS_FULL = bool(os.environ.get("MAESTRO_PROOF_RUNS"))
MODELS = {
    "openai": "gpt-6.1-terra",
    "anthropic": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}
TEXT = "One two three four five six seven eight nine ten, and then it was over. " * 3
SAID_NOTHING = {
    "html", "content_type", "close_before", "reset_before", "stall_headers",
    "html_error", "redirect",
}  # fmt: skip
SAID_SOMETHING = {"stall", "cut", "reset", "error", "endless", "drip"}
ANY_END = {"garbage", "duplicate", "big_line", "slow_first_byte"}
STATUSES = (400, 401, 403, 404, 408, 413, 418, 429, 451, 500, 502, 503, 529)
KINDS = {
    name
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, errors.ProviderError)
}


@pytest.fixture
def impatient(
    emulator: EmulatorProcess, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EmulatorProcess]:
    """The emulator behind every vendor's address; a second of silence is a stall."""
    before = http.settings()
    http.configure(HttpSettings(reroute=emulator.origins(), read_timeout_s=1.0))
    settings.MAESTRO_IDLE_TIMEOUT_S = 1.0
    settings.MAESTRO_MAX_RUN_S = 3.0
    monkeypatch.setattr(retrying, "limits", lambda run: Limits(attempts=1))
    yield emulator
    wait_for_runs()
    pool.close_idle()
    http.configure(before)


def over(slug: str) -> Run:
    """Ask, and wait until it is over."""
    user = make_user()
    credential = make_credential(owner=user, provider=slug)
    started = ask(user, credential_id=credential.pk, model=MODELS[slug])
    wait_for_runs()
    return Run.objects.select_related("answer").get(pk=started.run.pk)


def connections_to(emulator: EmulatorProcess) -> int:
    """Open connections of this process to the vendor, but for the one of its handle."""
    return -1 + sum(
        link.raddr.port == emulator.port and link.status == psutil.CONN_ESTABLISHED
        for link in psutil.Process().net_connections("tcp")
        if link.raddr
    )


def own_threads() -> set[str]:
    """What is at work here beside the few that stay: database, log, idle workers."""
    staying = (
        "run-db",
        "run-log-writer",
        "run-reaper",
        "MainThread",
        "asyncio",
        "Thread",
    )
    return {
        thread.name
        for thread in threading.enumerate()
        if not thread.name.startswith(staying)
    }


FAULTS = [
    *sorted(SAID_NOTHING | SAID_SOMETHING | ANY_END),
    *map(str, STATUSES),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("slug", MODELS)
def test_every_fault_ends_in_words_keeps_the_text_and_leaves_nothing(
    impatient: EmulatorProcess, slug: str
) -> None:
    impatient.script(text=TEXT)
    assert over(slug).answer.text == TEXT
    threads = own_threads()
    for kind in FAULTS:
        impatient.reset()
        impatient.script(text=TEXT)
        if kind.isdecimal():
            impatient.fault("status", status=int(kind))
        else:
            impatient.fault(kind, location="http://127.0.0.1:9/x")
        run = over(slug)
        check_end(kind, run)
        assert live.everything() == []
        pool.close_idle()
        assert connections_to(impatient) == 0, kind
        assert own_threads() <= threads, kind
    wait_until(lambda: all(stream["how"] for stream in impatient.streams()))


def check_end(kind: str, run: Run) -> None:
    """It is over, why is said, and what was said before is kept."""
    text = run.answer.text
    assert run.status in ("done", "failed", "stopped"), (kind, run.status)
    if kind in SAID_NOTHING or kind.isdecimal():
        assert (run.status, text) == ("failed", ""), kind
    elif kind in SAID_SOMETHING:
        assert run.status != "done", kind
        assert kind == "endless" or TEXT.startswith(text), kind
        assert text or kind == "drip", kind
    elif kind == "slow_first_byte":
        assert text in ("", TEXT), kind
    if run.status == "failed":
        assert run.error["kind"] in KINDS, (kind, run.error)
        assert len(run.error["message"]) > 10, kind
        assert "Traceback" not in run.error["message"], kind
    if run.status == "stopped":
        assert "longer than a run may take" in run.cause, (kind, run.cause)


@pytest.fixture
def session(
    impatient: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> EmulatorProcess:
    """The three vendors as a plain library uses them."""
    monkeypatch.setattr("providers.sessions._store", MemoryStore())
    for slug in MODELS:
        provider.create_session(slug, "api_key", name="work", api_key="sk-test")
    return impatient


@pytest.mark.timeout(600)
@pytest.mark.parametrize("slug", MODELS)
@pytest.mark.parametrize("kind", ["cut", "reset"])
def test_a_connection_that_breaks_at_any_byte_is_one_clean_end(
    session: EmulatorProcess, slug: str, kind: str
) -> None:
    """F2: text up to there, then one word about it; never an end that looks whole."""
    for at_byte in range(0, 2001, 1 if IS_FULL else 67):
        session.reset()
        session.script(text=TEXT)
        session.fault(kind, at_byte=at_byte)
        text, last = "", None
        messages = [Message(role="user", parts=[TextPart(text="Hi")])]
        try:
            with provider.stream_chat(
                slug, "work", messages, model=MODELS[slug], idle_timeout_s=5
            ) as stream:

                def sink(events: list[Any]) -> None:
                    nonlocal text, last
                    assert last is None, "something came after the end"
                    for event in events:
                        text += event.text if isinstance(event, TextDelta) else ""
                        last = event if isinstance(event, TERMINAL) else last

                stream.drive(sink)
        except errors.ProviderError as exc:  # it broke before its head was whole
            assert type(exc).__name__ in KINDS and not text
            continue
        assert TEXT.startswith(text), at_byte
        if isinstance(last, Finished):
            assert text == TEXT and last.stop_reason == "stop", at_byte
        else:
            assert isinstance(last, StreamError), at_byte
            assert last.error.kind in KINDS, at_byte
    pool.close_idle()
    assert connections_to(session) == 0


def mutated(body: bytes, chance: random.Random) -> list[bytes]:
    """The stream with some bytes changed, cut somewhere into pieces."""
    found = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(found))
        match chance.randrange(5):
            case 0:
                found[at] = chance.randrange(256)
            case 1:
                found[at] = chance.choice(b'{}[]":,\n\r\\ 0-e')
            case 2:
                del found[at : at + chance.randint(1, 30)]
            case 3:
                found[at:at] = found[at : at + chance.randint(1, 200)]
            case _:
                found[at:at] = chance.choice(
                    (b"\n\n", b"data: ", b"data: [DONE]\n\n", b"event: error\n", b"\xff\xfe",
                     b"data: null\n\n", b'data: {"type":1}\n\n', b"id: \0\n", b"\xef\xbb\xbf")
                )  # fmt: skip
        if not found:
            found = bytearray(b"\n")
    cuts = sorted(chance.randrange(len(found)) for _ in range(chance.randint(0, 6)))
    places = [0, *cuts, len(found)]
    return [bytes(found[a:b]) for a, b in pairwise(places)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("dialect", raw.GOOD)
def test_a_stream_that_is_garbled_never_raises_and_ends_once(
    emulator: EmulatorProcess, dialect: str
) -> None:
    """F3: 20,000 mutations of real streams, 5,000 in each dialect."""
    emulator.script(text=TEXT, reasoning="Let me see.")
    emulator.script(
        calls=[{"name": "look", "arguments": {"what": "x", "deep": [1, {"y": "é"}]}}]
    )
    bodies = [raw.ask(emulator, dialect).body for _ in range(2)]
    assert all(bodies)
    chance = random.Random(2031)
    for number in range(5_000):
        pieces = mutated(bodies[number % 2], chance)
        events = list(parse_stream(pieces, dialect))
        ends = [isinstance(event, TERMINAL) for event in events]
        assert ends.index(True) == len(ends) - 1, number
