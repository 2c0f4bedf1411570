"""The universal interface: models and answers, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from providers import provider
from providers.errors import (
    ConfigurationError,
    ModelNotFound,
    StreamCut,
)
from providers.events import Event, Finished, StreamError, TextDelta
from providers.http import HttpSettings, configure, pool, settings
from providers.store import MemoryStore
from providers.types import Message, TextPart
from tests.providers.dialects.wires import chunks, delta, question
from tests.providers.tiny_server import TinyServer

MODELS = {
    "object": "list",
    "data": [{"id": "m1", "context_length": 4096}, {"id": "m2"}],
}


HELLO = chunks(delta(content="Hel"), delta(content="lo"), delta("stop"))


@pytest.fixture(autouse=True)
def _fresh_wire() -> Iterator[None]:
    before = settings()
    configure(HttpSettings(connect_timeout_s=2.0, read_timeout_s=5.0))
    yield
    pool.close_idle()
    configure(before)


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """A store of the test's own, in the place of the installed one."""
    own = MemoryStore()
    monkeypatch.setattr("providers.sessions._store", own)
    return own


@pytest.fixture
def server() -> Iterator[TinyServer]:
    answers = {
        "GET /v1/models": (200, MODELS),
        "POST /v1/chat/completions": (200, HELLO),
    }
    with TinyServer(answers) as running:
        yield running


def session(server: TinyServer, **more: Any) -> str:
    """A saved session with a server of one's own."""
    fields = {"name": "work", "api_key": "sk-secret", **more}
    return provider.create_session(
        "custom", "api_key", base_url=f"{server.url}/v1", **fields
    )


def test_the_models_of_a_session(server: TinyServer) -> None:
    session(server)
    found = provider.list_models("custom", "api_key", "work")

    assert [(model.id, model.context_window) for model in found] == [
        ("m1", 4096),
        ("m2", None),
    ]
    assert server.asked[0].line == "GET /v1/models"
    assert server.asked[0].headers["authorization"] == "Bearer sk-secret"


def test_an_answer_is_streamed_as_typed_events(server: TinyServer) -> None:
    session(server)
    stream = provider.stream_chat("custom", "work", [question("Hi")], model="m1")
    assert server.asked == []

    with stream:
        events = list(stream)

    assert [e.text for e in events if isinstance(e, TextDelta)] == ["Hel", "lo"]
    assert events[-1] == Finished(stop_reason="stop", stop_reason_raw="stop")
    assert server.asked[0].headers["accept"] == "text/event-stream"
    assert server.asked[0].body == {
        "model": "m1",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_an_answer_can_be_driven_into_a_sink(server: TinyServer) -> None:
    session(server)
    seen: list[Event] = []
    with provider.stream_chat("custom", "work", [question()], model="m1") as stream:
        stream.drive(seen.extend, tick_s=0.01)

    assert "".join(e.text for e in seen if isinstance(e, TextDelta)) == "Hello"
    assert isinstance(seen[-1], Finished)


def test_an_answer_that_is_cut_raises_when_pulled_and_tells_when_driven(
    server: TinyServer,
) -> None:
    server.answers["POST /v1/chat/completions"] = (
        200,
        chunks(delta(content="Hel"), done=False),
    )
    session(server)
    pulled: list[Event] = []
    with (
        provider.stream_chat("custom", "work", [question()], model="m1") as stream,
        pytest.raises(StreamCut),
    ):
        pulled.extend(iter(stream))
    driven: list[Event] = []
    with provider.stream_chat("custom", "work", [question()], model="m1") as stream:
        stream.drive(driven.extend)

    assert isinstance(driven[-1], StreamError)
    assert driven[-1].error.kind == "StreamCut"


def test_an_unknown_model_is_refused_by_its_name(server: TinyServer) -> None:
    error = {"message": "The model `m9` does not exist", "code": "model_not_found"}
    server.answers["POST /v1/chat/completions"] = (404, {"error": error})
    session(server)
    stream = provider.stream_chat("custom", "work", [question()], model="m9")

    with pytest.raises(ModelNotFound), stream:
        pass


def test_a_field_that_a_server_refuses_is_left_out_and_the_answer_comes(
    server: TinyServer,
) -> None:
    class Picky(dict[str, Any]):
        """Refuses `stream_options`, as older servers do."""

        def get(self, line: str, default: Any = None) -> Any:
            asked = server.asked[-1].body
            if asked and "stream_options" in asked:
                message = "Unrecognized request argument supplied: stream_options"
                return 400, {"error": {"message": message}}
            return super().get(line, default)

    server.answers = Picky(server.answers)
    session(server)
    with provider.stream_chat("custom", "work", [question()], model="m1") as stream:
        events = list(stream)

    assert isinstance(events[-1], Finished)
    assert [("stream_options" in a.body) for a in server.asked] == [True, False]


def test_no_model_is_refused_before_anything_is_sent(server: TinyServer) -> None:
    session(server)
    with pytest.raises(ConfigurationError, match="Choose a model"):
        provider.stream_chat("custom", "work", [question()], model="")

    assert server.asked == []


def test_an_option_that_does_not_exist_is_named(server: TinyServer) -> None:
    session(server)
    with pytest.raises(ConfigurationError, match="no option colour"):
        provider.stream_chat("custom", "work", [question()], model="m1", colour="red")


def test_options_reach_the_vendor(server: TinyServer) -> None:
    session(server)
    options = {"system": "Be brief.", "max_output_tokens": 7, "temperature": 0.0}
    with provider.stream_chat(
        "custom", "work", [question()], model="m1", **options
    ) as stream:
        list(stream)

    sent = server.asked[0].body
    assert sent["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (sent["max_tokens"], sent["temperature"]) == (7, 0.0)


def test_a_stream_that_is_closed_before_it_is_entered_sends_nothing(
    server: TinyServer,
) -> None:
    session(server)
    stream = provider.stream_chat("custom", "work", [question()], model="m1")
    stream.close()
    with stream:
        assert list(stream) == [Finished(stop_reason="cancelled")]

    assert server.asked == []


def test_opaque_state_goes_back_to_the_session_it_came_from_only(
    server: TinyServer,
) -> None:
    from providers.types import Origin, ReasoningPart

    session(server)
    session(server, name="home")
    details = [{"type": "reasoning.text", "text": "Hm", "signature": "S"}]
    said = Message(
        role="assistant",
        parts=[
            ReasoningPart(text="Hm", state={"reasoning_details": details}),
            TextPart(text="Yes"),
        ],
        origin=Origin(provider="custom", model="m1", session_id="work"),
    )
    for name in ("work", "home"):
        with provider.stream_chat("custom", name, [said], model="m1") as stream:
            list(stream)

    said_to = [a.body["messages"][0] for a in server.asked if a.line.startswith("POST")]
    assert ["reasoning_details" in message for message in said_to] == [True, False]


def test_the_providers_and_what_they_can_do_are_plain_data() -> None:
    assert provider.list_providers() == sorted(provider.list_providers())
    shown = provider.provider_capabilities("custom")

    assert shown["auth_types"] == ["api_key"]
    assert (shown["base_url_required"], shown["key_required"]) == (True, False)
    msgspec.json.encode([provider.provider_capabilities(p) for p in ("groq", "ollama")])


def test_a_severed_stream_is_a_cut_and_what_came_is_kept(server: TinyServer) -> None:
    session(server)
    events: list[Event] = []
    with provider.stream_chat("custom", "work", [question()], model="m1") as stream:
        stream.sever()
        stream.drive(events.extend)
    assert isinstance(events[-1], StreamError)
    assert events[-1].error.kind == StreamCut.__name__


def test_a_recorded_stream_is_the_body_byte_for_byte(server: TinyServer) -> None:
    session(server)
    with provider.stream_chat("custom", "work", [question()], model="m1") as stream:
        recorded = stream.record()
        assert list(stream)
    assert bytes(recorded).strip() == HELLO.strip()
