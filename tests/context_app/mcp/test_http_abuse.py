"""Servers over HTTP that misbehave: bounded in size, time, reach and what they may learn."""

import json
import threading
import time

import pytest

from context_app.tools.base import ToolError
from tests.context_app.mcp.conftest import TOKEN, until
from tests.context_app.mcp.hostile import text
from tests.context_app.mcp.wire import event, result
from tests.providers.http.servers import CHUNKED_HEAD, RawServer


def endless(piece, pace_s=0.0):
    def call(peer, request, message):
        peer.send(CHUNKED_HEAD)
        for _ in range(1_000_000):
            peer.send_chunk(piece)
            time.sleep(pace_s)

    return call


@pytest.mark.parametrize(
    ("piece", "said"),
    [
        (
            event(b'{"jsonrpc":"2.0","method":"notifications/message"}'),
            "without answering",
        ),
        (b"data: " + b"x" * 60_000 + b"\n\n", "no end"),
        (b"data: " + b"x" * 60_000, "too long or broken"),
        (event(result(99_999, text("for somebody else"))), "without answering"),
    ],
)
def test_events_without_end_are_left(wire, own, piece, said):
    used = own()
    wire.on["tools/call"] = endless(piece)
    with pytest.raises(ToolError, match=said):
        used("look")
    assert not used.stop.is_set()


def test_events_that_drip_are_left_at_the_deadline_and_the_server_is_told(wire, own):
    used = own()
    wire.on["tools/call"] = endless(b": still here\n\n", 0.05)
    with pytest.raises(ToolError, match="too long"):
        used("look", _deadline_s=0.4)
    until(lambda: wire.asked("notifications/cancelled"))
    [(_, call)] = wire.asked("tools/call")
    [(_, told)] = wire.asked("notifications/cancelled")
    assert told["params"]["requestId"] == call["id"]


def test_a_stop_ends_a_call_whose_headers_have_not_come(wire, own):
    used = own()
    gate = threading.Event()

    def call(peer, request, message):
        used.stop.set()
        assert gate.wait(60)

    wire.on["tools/call"] = call
    with pytest.raises(ToolError, match="stopped"):
        used("look")  # while the server waits for our gate
    until(lambda: wire.asked("notifications/cancelled"))
    gate.set()


@pytest.mark.parametrize(
    "body",
    [
        result(10_000, text("another id")),
        b'{"jsonrpc":"2.0","result":{}}',
        b"[]",
        b"null",
        b"not json",
        b"[" * 100_000,
        b"",
    ],
)
def test_an_answer_to_something_else_is_none(wire, own, body):
    used = own()
    wire.on["tools/call"] = lambda peer, request, message: peer.answer(body)
    with pytest.raises(ToolError, match="before it was whole"):
        used("look")


def test_an_oversized_answer_is_not_read(wire, own):
    used = own()

    def call(peer, request, message):
        peer.answer(result(message["id"], text("x" * 9_000_000)))

    wire.on["tools/call"] = call
    with pytest.raises(ToolError, match="too long or broken"):
        used("look")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(wire, own, status):
    visited = []

    def trap(peer):
        visited.append(peer.next_request())

    with RawServer(trap) as other:
        wire.on["initialize"] = lambda peer, request, message: peer.answer(
            b"", status, location=f"{other.url}/mcp"
        )
        used = own(headers={"Authorization": f"Bearer {TOKEN}"})
        assert not used.state.is_up and "not followed" in used.state.why
    assert visited == []


def test_a_refusal_leads_to_no_other_address(wire, own):
    """S-46: where a server would have us log in is never looked up."""
    visited = []
    with RawServer(lambda peer: visited.append(peer.next_request())) as other:
        metadata = f'Bearer resource_metadata="{other.url}/.well-known/x"'
        wire.on["initialize"] = lambda peer, request, message: peer.answer(
            b'{"error": "unauthorized"}', 401, www_authenticate=metadata
        )
        used = own()
        assert "HTTP 401" in used.state.why and "headers" in used.state.why
    assert visited == []
    assert {request.path for request in wire.server.requests} == {"/mcp"}


def test_a_session_id_that_could_not_be_sent_back_is_refused(wire, own):
    wire.session = "with space"
    assert "session id" in own().state.why


def test_requests_of_the_server_within_an_answer_are_declined(wire, own):
    used = own()

    def call(peer, request, message):
        asked = {
            "jsonrpc": "2.0",
            "id": 7,
            "method": "elicitation/create",
            "params": {},
        }
        peer.send(CHUNKED_HEAD)
        peer.send_chunk(event(json.dumps(asked).encode()))
        peer.send_chunk(event(result(message["id"], text("done"))))
        peer.send(b"0\r\n\r\n")

    wire.on["tools/call"] = call
    assert used("look").endswith("done")
    replies = until(
        lambda: [m for _, m in wire.asked("POST") if m.get("id") == 7 and "error" in m]
    )
    assert replies[0]["error"]["code"] == -32601


def test_links_in_a_result_are_text_and_nothing_more(wire, own):
    used = own()
    visited = []
    with RawServer(lambda peer: visited.append(peer.next_request())) as other:
        content = [
            {"type": "resource_link", "uri": f"{other.url}/x", "name": "a\u202elink"},
            {
                "type": "resource",
                "resource": {"uri": f"{other.url}/y", "text": "inside"},
            },
            {"type": "resource", "resource": {"uri": "file:///y", "blob": "QUJD"}},
            {"type": "image", "data": "QUJD", "mimeType": "image/png"},
            {"type": "hologram"},
            None,
            {"type": "text", "text": 5},
            {"type": "text", "text": "seen\u200b\U000e0041"},
        ]

        def call(peer, request, message):
            peer.answer(result(message["id"], {"content": content}))

        wire.on["tools/call"] = call
        told = used("look")
    assert visited == []
    assert "link, not followed" in told and "inside" in told and "3 bytes" in told
    assert "hologram" in told and told.endswith("seen")
    assert "\u202e" not in told


def test_secrets_are_in_no_log_and_no_word_of_an_error(wire, own, caplog):
    caplog.set_level("DEBUG")
    error = {"code": 1, "message": f"bad token {TOKEN}"}
    used = own(headers={"X-Key": TOKEN}, secrets=(TOKEN,))
    wire.on["tools/call"] = lambda peer, request, message: peer.answer(
        json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}).encode()
    )
    with pytest.raises(ToolError, match="bad token") as said:
        used("look")
    assert TOKEN not in str(said.value)
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(used.server.config)


def test_a_secret_in_a_refusal_at_the_beginning_is_masked(wire, own, caplog):
    error = {"code": 1, "message": "x" * 590 + f" bad token {TOKEN}"}
    wire.on["initialize"] = lambda peer, request, message: peer.answer(
        json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}).encode()
    )
    used = own(headers={"X-Key": TOKEN}, secrets=(TOKEN,))
    assert "refused" in used.state.why
    assert TOKEN[:6] not in used.state.why and TOKEN[:6] not in caplog.text


def nested(depth):
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize("depth", [300, 700, 950, 5000])
def test_what_is_nested_deeply_is_an_answer_and_no_crash(wire, own, depth):
    used = own()

    def call(peer, request, message):
        inner = b'{"content": [], "structuredContent": %s}' % nested(depth)
        head = b'{"jsonrpc": "2.0", "id": %d, "result": ' % message["id"]
        peer.answer(head + inner + b"}")

    wire.on["tools/call"] = call
    try:
        assert "said by the MCP server" in used("look")
    except ToolError as exc:
        assert "before it was whole" in str(exc)

    def listed(peer, request, message):
        tool = b'{"name": "deep", "inputSchema": %s}' % nested(depth)
        head = b'{"jsonrpc": "2.0", "id": %d, "result": ' % message["id"]
        peer.answer(head + b'{"tools": [%s]}}' % tool)

    wire.on["tools/list"] = listed
    used.server.look_again()
    used.server.wait(time.monotonic() + 20)
    assert "Maestro itself" not in used.state.why
