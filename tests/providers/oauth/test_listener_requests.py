"""S-55: what the loopback callback refuses, and the pages that it shows."""

import contextlib
import logging
import re
import socket
import threading
import time

import pytest

from providers.oauth import listener
from tests.providers.oauth.loopback import (
    PATH,
    Person,
    ask,
    good,
    nothing_is_left,
    send,
    status,
    wait_until,
)

__all__ = ["nothing_is_left"]  # holds for every test here


WRONG = {
    "another state": f"{PATH}?code=c&state=state-b",
    "no state": f"{PATH}?code=c",
    "an empty state": f"{PATH}?code=c&state=",
    "two states": f"{PATH}?code=c&state=state-a&state=state-a",
    "the start of the state": f"{PATH}?code=c&state=state-",
    "a state that is no ASCII": f"{PATH}?code=c&state=%F0%9F%92%A9",
    "another path": "/other?code=c&state=state-a",
    "a longer path": f"{PATH}/?code=c&state=state-a",
    "two slashes": f"/{PATH}?code=c&state=state-a",
    "an encoded path": "/auth%2Fcallback?code=c&state=state-a",
    "a whole address": f"http://evil.example{PATH}?code=c&state=state-a",
    "a target that would lengthen the port": f"9{PATH}?code=c&state=state-a",
    "a target that would name another host": f"@evil.example{PATH}?code=c&state=state-a",
    "a fragment": f"{PATH}?code=c&state=state-a#x",
    "the favicon": "/favicon.ico",
}


@pytest.mark.parametrize("target", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_request_ends_nothing(target):
    alice = Person("state-a")
    with alice.waits() as login:
        assert status(ask(login.port, target)) in (400, 404)
        assert alice.heard == []
        assert login.is_open
        assert status(ask(login.port, good("state-a"))) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "localhost:1", "127.0.0.2:{port}",
             "localhost.evil.example:{port}", "localhost:{port}, evil.example", ""],
)  # fmt: skip
def test_a_page_that_rebinds_its_name_to_us_is_refused(host):
    alice = Person("state-a")
    with alice.waits() as login:
        answer = ask(login.port, good("state-a"), host=host.format(port=login.port))
        assert status(answer) in (400, 404)
        assert alice.heard == []
        assert login.is_open


def test_two_hosts_or_none_are_refused():
    alice = Person("state-a")
    with alice.waits() as login:
        host = f"Host: 127.0.0.1:{login.port}\r\n"
        for hosts in (host + "Host: evil.example\r\n", host * 2, ""):
            raw = f"GET {good('state-a')} HTTP/1.1\r\n{hosts}\r\n"
            assert status(send(login.port, raw.encode())) in (400, 404)
        assert alice.heard == []


@pytest.mark.parametrize(
    "method", ["POST", "HEAD", "PUT", "OPTIONS", "TRACE", "get", "CONNECT"]
)
def test_only_get_is_taken(method):
    alice = Person("state-a")
    with alice.waits() as login:
        answer = ask(login.port, good("state-a"), method=method)
        assert status(answer) in (400, 404, 405, 501)
        assert alice.heard == []
        assert login.is_open


@pytest.mark.parametrize(
    "raw",
    [b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00" + b"\x00" * 40 + b"\r\n\r\n",
     b"GET /auth/callback?state=state-a\r\n\r\n", b"GET /auth/callback?state=state-a HTTP/9.9\r\n\r\n",
     b"GET /auth/callback?state=state-a&code=\xff HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n",
     b"GET /auth/callback?state=state-a HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n folded\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_request_gets_a_complete_answer_and_ends_nothing(raw):
    alice = Person("state-a")
    with alice.waits() as login:
        answer = send(login.port, raw.replace(b"{port}", str(login.port).encode()))
        assert status(answer) == 400
        assert "Content-Security-Policy" in answer
        assert alice.heard == []
        assert login.is_open


@pytest.mark.parametrize("where", ["line", "header", "many headers"])
def test_a_request_over_eight_kibibytes_is_refused(where):
    alice = Person("state-a")
    with alice.waits() as login:
        long = "x" * 8_300
        if where == "line":
            answer = ask(login.port, good("state-a") + "&scope=" + long)
        elif where == "header":
            answer = ask(login.port, good("state-a"), Cookie=long)
        else:
            more = {f"X-{n}": "y" * 90 for n in range(90)}
            answer = ask(login.port, good("state-a"), **more)
        assert status(answer) in (400, 414, 431)
        assert alice.heard == []
        assert status(ask(login.port, good("state-a") + "&scope=" + "x" * 7_000)) == 200


CANARY = "canary-zebra"


def every_answer() -> dict[str, str]:
    """One answer of each kind; each request carries the canary wherever it can."""
    tail = f"&x=<script>{CANARY}</script>&error_description={CANARY}"
    tail = tail.replace("<", "%3C").replace(">", "%3E")
    found, waiting = {}, Person("state-w")
    with waiting.waits() as w:
        more = {"X-Name": f"<b>{CANARY}</b>"}
        fine = Person("state-a").waits(w.port)
        bad = Person("state-b", says=f"<b>{CANARY}</b>").waits(w.port)
        assert fine.port == bad.port == w.port
        found["done"] = ask(w.port, good("state-a") + tail, **more)
        found["failed"] = ask(w.port, good("state-b") + tail, **more)
        found["spent"] = ask(w.port, good("state-a") + tail, **more)
        found["state"] = ask(w.port, good(CANARY) + tail, **more)
        found["path"] = ask(w.port, f"/{CANARY}?state=state-w{tail}", **more)
        found["host"] = ask(w.port, good("state-w") + tail, host=CANARY)
        found["method"] = ask(w.port, good("state-w") + tail, method=CANARY.upper())
        found["version"] = send(w.port, f"GET /{CANARY} HTTP/{CANARY}\r\n\r\n".encode())
        found["size"] = ask(w.port, f"/{CANARY * 900}")
    return found


def test_pages_are_static_and_safe_whatever_was_asked():
    for kind, answer in every_answer().items():
        head, _, page = answer.partition("\r\n\r\n")
        assert CANARY not in answer.lower(), kind
        assert "<script" not in answer.lower(), kind
        lines = head.split("\r\n")
        assert "Referrer-Policy: no-referrer" in lines, kind
        assert "Cache-Control: no-store" in lines, kind
        assert "X-Content-Type-Options: nosniff" in lines, kind
        assert "Connection: close" in lines, kind
        policy = next(x for x in lines if x.startswith("Content-Security-Policy: "))
        assert "default-src 'none'; style-src 'unsafe-inline'" in policy, kind
        assert not re.search(r"(src|href|url)\s*[=(]", page), kind
        assert f"Content-Length: {len(page.encode())}" in lines, kind
        assert "Server:" not in head, kind


def test_nothing_of_a_request_is_logged_or_printed(caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        every_answer()
    out, err = capfd.readouterr()
    assert CANARY not in (caplog.text + out + err).lower()


def test_a_connection_that_says_nothing_blocks_no_other():
    alice = Person("state-a")
    with alice.waits() as login, contextlib.ExitStack() as stack:
        for _ in range(3):
            idle = stack.enter_context(
                socket.create_connection(("127.0.0.1", login.port))
            )
            idle.sendall(b"GET /auth/callback?sta")
        assert status(ask(login.port, good("state-a"))) == 200


def test_a_connection_that_drips_is_cut_after_the_limit(monkeypatch):
    monkeypatch.setattr("providers.oauth.listener_http.READ_S", 0.5)
    with Person("state-a").waits() as login:
        with socket.create_connection(("127.0.0.1", login.port)) as drip:
            until = time.monotonic() + 30  # a byte each 0.1 s: no single read is slow
            with pytest.raises(OSError):
                drip.sendall(b"GET /")
                while time.monotonic() < until:
                    time.sleep(0.1)
                    drip.sendall(b"x")
        assert login.is_open


def test_a_request_has_ten_seconds():
    from providers.oauth import listener_http

    assert listener_http.READ_S == 10.0


def test_only_a_few_connections_are_served_at_once_and_the_rest_wait_their_turn(
    monkeypatch,
):
    monkeypatch.setattr("providers.oauth.listener_http.READ_S", 1.0)
    alice = Person("state-a")
    with alice.waits() as login, contextlib.ExitStack() as stack:
        before = threading.active_count()
        for _ in range(listener.AT_ONCE * 2):
            idle = stack.enter_context(
                socket.create_connection(("127.0.0.1", login.port))
            )
            idle.sendall(b"GET /")
        time.sleep(0.3)
        assert threading.active_count() - before <= listener.AT_ONCE
        assert status(ask(login.port, good("state-a"))) == 200


def test_closing_cuts_connections_that_are_still_reading():
    login = Person("state-a").waits()
    with socket.create_connection(("127.0.0.1", login.port), timeout=15) as idle:
        idle.sendall(b"GET /")
        wait_until(
            lambda: any("login-callback" in t.name for t in threading.enumerate())
        )
        login.close()
        assert not [
            t for t in threading.enumerate() if t.name.startswith("login-callback")
        ]
        with contextlib.suppress(ConnectionError):
            assert idle.recv(10) == b""
