"""The control API: scripts, what came, how streams ended, captured streams."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator import EmulatorProcess
from tests.providers.emulator.raw import BODY, CHAT, GOOD, ask, call, opened

ODD = 'data: {"é": 1}\r\n\r\n: comment\n\ndata: 世界\n\ndata: no end'.encode()
WHOLE = b'data: {"a": 1}\n\ndata: [DONE]\n\n'


@pytest.fixture(scope="module")
def replaying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    folder: Path = tmp_path_factory.mktemp("streams")
    for dialect in GOOD:
        (folder / "streams" / dialect).mkdir(parents=True)
        (folder / "streams" / dialect / "odd.sse").write_bytes(ODD + dialect.encode())
    (folder / "streams" / "openai_chat" / "whole.sse").write_bytes(WHOLE)
    (folder / "secret.sse").write_text("not for you")
    (folder / "streams" / "openai_chat" / ".hidden.sse").write_text("not for you")
    process = EmulatorProcess(
        "--pace", 0, "--replay", folder / "streams", "--replay-piece", 3
    )
    yield process
    process.stop()


@pytest.mark.parametrize("dialect", GOOD)
def test_a_captured_stream_is_served_byte_for_byte(
    dialect: str, replaying: EmulatorProcess
) -> None:
    replaying.replay("odd")

    heard = ask(replaying, dialect)

    assert heard.body == ODD + dialect.encode()
    assert (
        heard.error is not None
    )  # it breaks off within a line: so does the connection
    assert heard.response.headers["content-type"].startswith("text/event-stream")


def test_a_captured_stream_with_an_end_ends(replaying: EmulatorProcess) -> None:
    replaying.replay("whole")

    heard = ask(replaying)

    assert (heard.error, heard.body) == (None, WHOLE)
    assert replaying.wait_for_stream("finished")


def test_a_captured_stream_named_by_the_model(replaying: EmulatorProcess) -> None:
    assert ask(replaying, model="replay:odd").body == ODD + b"openai_chat"


def test_a_captured_stream_named_by_the_model_in_a_path(
    replaying: EmulatorProcess,
) -> None:
    path = "/gemini/v1beta/models/replay:odd:streamGenerateContent?alt=sse"

    sock = opened(replaying, path, b"{}")

    heard = b""
    while chunk := sock.recv(65536):
        heard += chunk
    sock.close()
    assert heard.startswith(b"HTTP/1.1 200 OK")
    assert b"6\r\ndata: \r\n" not in heard  # three bytes a chunk
    assert b"3\r\ndat\r\n3\r\na: \r\n" in heard


@pytest.mark.parametrize("at_byte", [0, 1, 7, len(WHOLE) - 1])
def test_a_captured_stream_can_be_cut_at_any_byte(
    at_byte: int, replaying: EmulatorProcess
) -> None:
    replaying.fault("cut", at_byte=at_byte)
    replaying.replay("whole")

    heard = ask(replaying)

    assert heard.body == WHOLE[:at_byte]
    assert heard.error is not None


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "..",
        "/etc/passwd",
        "openai_chat/odd",
        ".hidden",
        "",
        "odd\n",
        "%2e",
    ],
)
def test_nothing_outside_the_folder_is_served(
    name: str, replaying: EmulatorProcess
) -> None:
    replaying.replay(name)

    heard = ask(replaying)

    assert heard.response.status_code == 404
    assert b"not for you" not in heard.body


def test_without_a_folder_there_is_nothing_to_replay(
    emulator: EmulatorProcess,
) -> None:
    emulator.replay("odd")

    assert ask(emulator).response.status_code == 404


WRONG: list[tuple[str, Any, str]] = [
    ("scripts", {"texts": "x"}, "a script has no texts"),
    ("scripts", {"text": 5}, "text cannot be 5"),
    ("scripts", {"stop": "nap"}, "stop is one of stop, length"),
    ("scripts", {"calls": [{}]}, "KeyError"),
    ("scripts", ["text"], "must be a JSON object"),
    ("faults", {"kind": "earthquake"}, "there is no fault 'earthquake'"),
    ("faults", {"kind": "cut", "at": 4}, "unexpected keyword"),
    ("faults", {"kind": "status", "status": "429"}, "status cannot be '429'"),
    ("faults", {"kind": "status", "status": 99}, "99 is no status"),
    ("faults", {}, "TypeError"),
    ("scripts", {"pieces": [{"song": "la"}]}, "no such piece"),
    ("scripts", {"error": "x"}, "a script has no error"),
    ("replay", {}, "KeyError"),
    ("nowhere", {}, "nothing to set at 'nowhere'"),
]


@pytest.mark.parametrize(("path", "data", "reason"), WRONG)
def test_a_wrong_order_is_refused_with_its_reason(
    path: str, data: Any, reason: str, emulator: EmulatorProcess
) -> None:
    status, said = call(emulator, "POST", f"/_emulator/{path}", data)

    assert status == 400
    assert reason in said["error"]
    assert ask(emulator).body.endswith(b"data: [DONE]\n\n")  # nothing was queued


def test_an_unknown_thing_to_see_is_not_found(emulator: EmulatorProcess) -> None:
    assert call(emulator, "GET", "/_emulator/nothing")[0] == 404
    assert call(emulator, "GET", "/_emulator") == (200, {"status": "ok"})


def test_what_came_is_shown_without_secrets(emulator: EmulatorProcess) -> None:
    ask(emulator, "openai_responses")

    seen = emulator.requests()[0]

    assert (seen["method"], seen["path"]) == ("POST", "/openai/v1/responses")
    assert seen["headers"]["authorization"].startswith("sha256:")
    assert "sk-good" not in str(seen)
    assert emulator.bodies()[0]["input"] == "hello"


def test_a_script_waits_for_its_question(emulator: EmulatorProcess) -> None:
    emulator.script(text="Later.", match="goodbye")

    assert b"Later." not in ask(emulator).body
    goodbye = [{"role": "user", "content": "goodbye then"}]
    assert b"Later." in ask(emulator, messages=goodbye).body


def test_forgetting(emulator: EmulatorProcess) -> None:
    emulator.script(text="Never said.")
    emulator.fault("status")
    ask(emulator)

    emulator.reset()

    assert emulator.requests() == emulator.streams() == []
    assert b"Never said." not in ask(emulator).body


def test_opaque_values_given_out_are_known(emulator: EmulatorProcess) -> None:
    emulator.script(text="Yes.", reasoning="Hm.")

    heard = ask(emulator, "anthropic_messages")

    (sealed,) = call(emulator, "GET", "/_emulator/sealed")[1]["sealed"]
    assert sealed.encode() in heard.body


@pytest.mark.parametrize("dialect", GOOD)
@pytest.mark.parametrize(
    "changes",
    [
        {"messages": ["x"], "input": [7], "contents": [7]},
        {"messages": [{"role": "user", "content": [7]}], "input": {}, "contents": {}},
        {"tools": [7]},
    ],
)
def test_a_body_of_an_odd_form_is_an_error_and_no_crash(
    dialect: str, changes: dict[str, Any], emulator: EmulatorProcess
) -> None:
    status = ask(emulator, dialect, **changes).response.status_code

    assert status in (200, 400)
    assert call(emulator, "GET", "/_emulator")[0] == 200


def test_an_odd_page_size_is_a_bad_request(emulator: EmulatorProcess) -> None:
    path = "/gemini/v1beta/models?key=AQ.good&pageSize=many"

    assert call(emulator, "GET", path)[0] == 400


def test_a_client_that_goes_away_in_silence_is_noticed(
    emulator: EmulatorProcess,
) -> None:
    emulator.script(text="one two three four", stall_s=30)
    body = str(BODY).replace("'", '"').replace("True", "true").encode()
    sock = opened(emulator, CHAT, body)
    assert b"200" in sock.recv(100)
    assert [stream["how"] for stream in emulator.streams()] == ["open"]
    left_at = time.monotonic()

    sock.close()

    stream = emulator.wait_for_stream("client_closed", within_s=2)
    assert time.monotonic() - left_at < 1
    assert stream["ended_at"] >= stream["began_at"]


def test_a_request_that_follows_at_once_is_read_whole(
    emulator: EmulatorProcess,
) -> None:
    """Two on one connection, the second before the first is answered."""
    emulator.script(text="first one", stall_s=0)
    emulator.script(text="second one")
    body = str(BODY).replace("'", '"').replace("True", "true").encode()
    sock = opened(emulator, CHAT, body)
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    sock.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    heard = b""
    while chunk := sock.recv(65536):
        heard += chunk
    sock.close()

    assert heard.count(b"HTTP/1.1 200") == 2
    assert heard.count(b"data: [DONE]") == 2


def test_a_body_that_is_too_large_is_not_read(emulator: EmulatorProcess) -> None:
    sock = opened(emulator, CHAT, b"")
    sock.close()
    with_length = f"POST {CHAT} HTTP/1.1\r\nContent-Length: {10**12}\r\n\r\n"
    sock = opened(emulator, "/nowhere", b"")
    sock.recv(1000)

    sock.sendall(with_length.encode())

    assert b" 413 " in sock.recv(1000)
    sock.close()
