"""S-55: the loopback callback gives each answer to its own login, once (RFC 8252)."""

import contextlib
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from providers.oauth.listener import listen
from tests.providers.oauth.loopback import (
    PATH,
    Person,
    ask,
    good,
    has_ipv6,
    is_refused,
    needs_ipv6,
    nothing_is_left,
    send,
    sockets_at,
    status,
)

__all__ = ["nothing_is_left"]  # holds for every test here


CANARY = "canary-zebra"


def test_an_answer_reaches_its_login_whole_and_ends_it():
    alice = Person("state-a")
    with alice.waits() as login:
        answer = ask(login.port, good("state-a"))
        assert status(answer) == 200
        assert "You can close this window and return to Maestro." in answer
        assert alice.heard == [f"http://127.0.0.1:{login.port}{good('state-a')}"]
        assert login.closed.wait(5)
        assert not login.is_open
        assert is_refused(login.port)


def test_it_is_heard_in_a_thread_of_its_own():
    where: list[threading.Thread] = []
    with listen(
        ports=(0,),
        path=PATH,
        state="s",
        on_answer=lambda _: where.append(threading.current_thread()),
    ) as login:
        ask(login.port, good("s"))
    assert where[0] is not threading.current_thread()


def test_a_vendors_error_is_an_answer_like_any_other():
    alice = Person("state-a", says="The login was declined.")
    with alice.waits() as login:
        answer = ask(login.port, f"{PATH}?error=access_denied&state=state-a")
        assert "return to it" in answer.lower()
        assert "declined" not in answer  # the page is fixed; Maestro tells the reason
        assert "error=access_denied" in alice.heard[0]
        assert login.closed.wait(5)


def test_a_failing_login_shows_a_fixed_page_and_is_over(caplog):
    def fails(url: str) -> str | None:
        raise ValueError(f"cannot use {url}")

    with caplog.at_level(logging.DEBUG):
        with listen(ports=(0,), path=PATH, state="s", on_answer=fails) as login:
            answer = ask(login.port, f"{PATH}?code={CANARY}&state=s")
            assert status(answer) >= 400
            assert "cannot use" not in answer
            assert login.closed.wait(5)
    assert "login_callback.failed" in caplog.text
    assert CANARY not in caplog.text


@needs_ipv6
def test_localhost_works_whichever_family_the_browser_picks():
    for address, host in (
        ("127.0.0.1", "localhost"),
        ("::1", "localhost"),
        ("::1", "[::1]"),
    ):
        alice = Person("state-a")
        with alice.waits() as login:
            request = (
                f"GET {good('state-a')} HTTP/1.1\r\nHost: {host}:{login.port}\r\n\r\n"
            )
            assert status(send(login.port, request.encode(), address)) == 200
        assert alice.heard == [f"http://{host}:{login.port}{good('state-a')}"]


def test_a_login_needs_a_state():
    with pytest.raises(ValueError, match="state"):
        Person("").waits()


def test_a_code_is_accepted_once():
    alice, other = Person("state-a"), Person("state-o")
    with other.waits() as waiting, alice.waits(waiting.port):
        assert status(ask(waiting.port, good("state-a"))) == 200
        again = ask(waiting.port, f"{PATH}?code=c-2&state=state-a")
        assert status(again) >= 400
        assert "used already" in again
    assert len(alice.heard) == 1


def test_a_second_request_while_the_first_is_under_way_is_not_heard():
    began, go = threading.Event(), threading.Event()
    heard: list[str] = []

    def slow(url: str) -> str | None:
        heard.append(url)
        began.set()
        go.wait(20)
        return None

    with listen(ports=(0,), path=PATH, state="s", on_answer=slow) as login:
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(ask, login.port, good("s"))
            assert began.wait(10)
            assert "used already" in ask(login.port, good("s"))
            go.set()
            assert status(first.result(20)) == 200
    assert len(heard) == 1


def test_of_many_who_bring_one_answer_at_once_one_is_heard():
    alice, other = Person("state-a"), Person("state-o")
    with other.waits() as waiting, alice.waits(waiting.port):
        with ThreadPoolExecutor(12) as pool:
            answers = list(
                pool.map(lambda _: ask(waiting.port, good("state-a")), range(12))
            )
    assert sorted(status(a) for a in answers)[0] == 200
    assert [status(a) for a in answers].count(200) == 1
    assert len(alice.heard) == 1


def test_people_who_start_at_once_share_a_port_and_never_an_answer():
    people = [Person(f"state-{n:02}") for n in range(12)]
    first = Person("first")
    with first.waits() as login:
        with ThreadPoolExecutor(12) as pool:
            logins = list(pool.map(lambda p: p.waits(login.port), people))
            assert {x.port for x in logins} == {login.port}
            assert len(sockets_at(login.port)) == 1 + has_ipv6()
            answers = list(
                pool.map(lambda p: ask(login.port, good(p.state)), reversed(people))
            )
        assert [status(a) for a in answers] == [200] * 12
        assert first.heard == []
        assert login.is_open
    for person in people:
        assert person.heard == [f"http://127.0.0.1:{login.port}{good(person.state)}"]


def test_logins_with_other_paths_share_the_port_too():
    alice, bob = Person("state-a"), Person("state-b")
    with alice.waits() as login, bob.waits(login.port, path="/callback") as second:
        assert second.port == login.port
        assert status(ask(login.port, f"{PATH}?code=c&state=state-b")) in (400, 404)
        assert status(ask(login.port, "/callback?code=c&state=state-a")) in (400, 404)
        assert alice.heard == bob.heard == []
        assert status(ask(login.port, "/callback?code=c&state=state-b")) == 200
        assert status(ask(login.port, good("state-a"))) == 200


def test_a_slow_login_holds_up_nobody():
    go = threading.Event()
    slow = [
        {"state": f"slow-{n}", "on_answer": lambda url: go.wait(30) and None}
        for n in range(12)
    ]
    bob = Person("state-b")
    with bob.waits() as login, contextlib.ExitStack() as stack:
        for one in slow:
            stack.enter_context(listen(ports=(login.port,), path=PATH, **one))
        with ThreadPoolExecutor(12) as pool:
            asked = [pool.submit(ask, login.port, good(one["state"])) for one in slow]
            assert status(ask(login.port, good("state-b"))) == 200
            assert not any(a.done() for a in asked)
            go.set()
            assert {status(a.result(20)) for a in asked} == {200}


def test_one_login_ends_and_the_others_wait_on():
    alice, bob = Person("state-a"), Person("state-b")
    one = alice.waits()
    with bob.waits(one.port):
        one.close()
        one.close()
        assert not one.is_open
        assert status(ask(one.port, good("state-a"))) in (400, 404)
        assert status(ask(one.port, good("state-b"))) == 200
    assert alice.heard == []
