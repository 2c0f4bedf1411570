"""The wire of streamable HTTP: headers, sessions, answers in JSON and events, notices."""

import json
import threading

import pytest

from context_app.mcp.messages import LATEST
from context_app.tools.base import ToolError
from tests.context_app.mcp.conftest import TOKEN, until
from tests.context_app.mcp.hostile import HELLO, text
from tests.context_app.mcp.wire import EVENTS, event, result
from tests.providers.http.servers import CHUNKED_HEAD


def test_every_request_carries_what_the_protocol_asks_for(wire, own):
    wire.changes = False
    used = own(
        path="/mcp/?a=b",
        headers={"Authorization": f"Bearer {TOKEN}"},
        secrets=(TOKEN,),
    )
    used("look")
    used.server.close()
    until(lambda: wire.asked("DELETE"))
    first, *rest = wire.server.requests
    assert {request.path for request in wire.server.requests} == {"/mcp/?a=b"}
    assert "mcp-session-id" not in first.headers
    assert "mcp-protocol-version" not in first.headers
    for request in rest:
        assert request.headers["mcp-session-id"] == "session-1"
        assert request.headers["mcp-protocol-version"] == LATEST
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
    for request, _ in wire.asked("POST"):
        accepted = request.headers["accept"]
        assert "application/json" in accepted and "text/event-stream" in accepted
        assert request.headers["content-type"] == "application/json"
    [(_, hello)] = wire.asked("initialize")
    assert hello["params"]["protocolVersion"] == LATEST
    assert hello["params"]["capabilities"] == {}
    ids = [m["id"] for _, m in wire.asked("POST") if "id" in m]
    assert len(ids) == len(set(ids))


def test_an_older_revision_that_we_know_is_spoken(wire, own):
    def hello(peer, request, message):
        older = {**HELLO, "protocolVersion": "2025-06-18"}
        peer.answer(result(message["id"], older))

    wire.on["initialize"] = hello
    used = own()
    assert used.state.version == "2025-06-18"
    used("look")
    [(request, _)] = wire.asked("tools/call")
    assert request.headers["mcp-protocol-version"] == "2025-06-18"
    assert "mcp-session-id" not in request.headers


def test_a_session_that_is_gone_is_begun_anew_and_the_call_made_once(wire, own):
    used = own()
    wire.session = "session-2"

    def call(peer, request, message):
        if request.headers["mcp-session-id"] == "session-1":
            return peer.answer(b"", 404)
        return peer.answer(result(message["id"], text("in the new session")))

    wire.on["tools/call"] = call
    assert used("look").endswith("in the new session")
    sessions = [r.headers["mcp-session-id"] for r, _ in wire.asked("tools/call")]
    assert sessions == ["session-1", "session-2"]


def test_a_server_that_forgets_every_session_is_not_asked_for_ever(wire, own):
    used = own()
    wire.on["tools/call"] = lambda peer, request, message: peer.answer(b"", 404)
    with pytest.raises(ToolError, match="ended our session"):
        used("look")
    assert len(wire.asked("tools/call")) == 2


def test_a_call_is_not_repeated_when_the_tool_is_another_in_the_new_session(wire, own):
    used = own()
    wire.description = "Looks, and sends it away."
    wire.on["tools/call"] = lambda peer, request, message: peer.answer(b"", 404)
    with pytest.raises(ToolError, match="has changed since it was offered"):
        used("look")
    assert len(wire.asked("tools/call")) == 1


def test_an_answer_in_events_may_be_taken_up_again_after_a_pause(wire, own):
    used = own()

    def call(peer, request, message):
        wire.number = message["id"]
        peer.send(CHUNKED_HEAD)
        peer.send_chunk(event(b"", "e-1", retry=50))
        peer.send(b"0\r\n\r\n")

    def more(peer, request, message):
        if request.headers.get("last-event-id") != "e-1":
            return peer.answer(b"", 405)
        said = event(result(wire.number, text("later")), "e-2")
        return peer.answer(said, **EVENTS)

    wire.on |= {"tools/call": call, "GET": more}
    assert used("look").endswith("later")
    assert len(wire.asked("tools/call")) == 1


@pytest.mark.parametrize("status", [400, 404, 405, 500])
@pytest.mark.parametrize("event_id", ["e-1", "with space", "\u00e9", "x" * 5000])
def test_an_answer_that_cannot_be_taken_up_again_is_no_reason_to_call_again(
    wire, own, status, event_id
):
    used = own()

    def call(peer, request, message):
        peer.send(CHUNKED_HEAD)
        peer.send_chunk(event(b"", event_id, retry=10))
        peer.send(b"0\r\n\r\n")

    wire.on |= {
        "tools/call": call,
        "GET": lambda peer, request, message: peer.answer(b"", status),
    }
    with pytest.raises(ToolError, match="not known; it was not repeated"):
        used("look")
    assert len(wire.asked("tools/call")) == 1
    is_sendable = event_id == "e-1"
    resumed = [r for r, _ in wire.asked("GET") if "last-event-id" in r.headers]
    assert len(resumed) == is_sendable


def test_an_answer_that_breaks_off_is_not_asked_for_again(wire, own):
    used = own()

    def call(peer, request, message):
        peer.send(CHUNKED_HEAD)
        peer.send_chunk(b": a comment\n\n")
        return "close"

    wire.on["tools/call"] = call
    with pytest.raises(ToolError, match="not known; it was not repeated"):
        used("look")
    assert len(wire.asked("tools/call")) == 1


def test_a_server_that_cannot_be_reached_did_not_execute_the_call(own, wire):
    used = own()
    wire.server.__exit__(None, None, None)
    with pytest.raises(ToolError, match="not executed"):
        used("look")


@pytest.mark.parametrize("status", [400, 404, 405])
def test_the_older_transport_is_named_where_it_may_be_meant(wire, own, status):
    wire.on["initialize"] = lambda peer, request, message: peer.answer(b"", status)
    assert "HTTP+SSE transport is not supported" in own().state.why


def test_a_server_of_newer_revisions_only_says_so_in_its_own_words(wire, own):
    error = {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": -32022, "message": "Unsupported; I speak 2026-07-28"},
    }
    wire.on["initialize"] = lambda peer, request, message: peer.answer(
        json.dumps(error).encode(), 400
    )
    assert "I speak 2026-07-28" in own().state.why


def test_a_notice_on_the_stream_of_its_own_is_heard(wire, own):
    told = threading.Event()

    def listen(peer, request, message):
        peer.send(CHUNKED_HEAD)
        told.wait(20)
        note = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
        peer.send_chunk(event(json.dumps(note).encode()))
        peer.is_closed_within(20)

    wire.on["GET"] = listen
    used = own()
    before = used.tool("look").definition
    wire.description = "Looks elsewhere."
    told.set()
    until(lambda: used.tool("look").definition != before)


def test_a_server_that_offers_no_changes_is_not_listened_to(wire, own):
    wire.changes = False
    own()("look")
    assert wire.asked("GET") == []


def test_connections_are_kept_and_shared(wire, own):
    wire.changes = False
    used = own()
    for _ in range(10):
        used("look")
    assert wire.server.connections <= 2
