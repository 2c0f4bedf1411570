"""S-55: where the loopback callback listens, for how long, and what is left of it."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from providers.errors import ConfigurationError
from providers.oauth.listener import LoopbackBusy
from tests.providers.oauth.loopback import (
    Person,
    ask,
    good,
    has_ipv6,
    holding,
    is_refused,
    needs_ipv6,
    nothing_is_left,
    sockets_at,
    status,
)

__all__ = ["nothing_is_left"]  # holds for every test here


def test_it_listens_on_this_machine_only():
    with Person("state-a").waits() as login:
        assert sockets_at(login.port) == (
            {"127.0.0.1", "::1"} if has_ipv6() else {"127.0.0.1"}
        )
        for address in {"127.0.0.2", *addresses_of_this_machine()}:
            assert is_refused(login.port, address), address


def addresses_of_this_machine() -> set[str]:
    found = {a.address for nic in psutil.net_if_addrs().values() for a in nic
             if a.family in (socket.AF_INET, socket.AF_INET6)}  # fmt: skip
    return {address for address in found if address not in ("127.0.0.1", "::1")}


def test_a_busy_port_sends_it_to_the_next():
    with holding() as other, holding() as spare:
        busy, free = other.getsockname()[1], spare.getsockname()[1]
        spare.close()
        with Person("state-a").waits(busy, free) as login:
            assert login.port == free


@needs_ipv6
@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"),
                            (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")],
)  # fmt: skip
def test_a_port_that_somebody_has_on_one_family_is_busy(family, address):
    with holding(0, family, address) as other:
        port = other.getsockname()[1]
        with pytest.raises(LoopbackBusy):
            Person("state-a").waits(port)
        assert len(sockets_at(port)) == 1  # nothing of ours was left behind


def test_when_all_are_busy_it_says_what_to_do():
    with holding() as one, holding() as two:
        ports = one.getsockname()[1], two.getsockname()[1]
        with pytest.raises(LoopbackBusy) as caught:
            Person("state-a").waits(*ports)
    assert isinstance(caught.value, ConfigurationError)
    assert all(str(port) in caught.value.message for port in ports)
    assert "paste the address" in caught.value.message
    assert "lose" in caught.value.message  # close the other program


def test_a_port_is_free_for_the_next_login_at_once():
    port = 0
    for n in range(20):
        person = Person(f"state-{n}")
        with person.waits(port) as login:
            port = login.port
            assert status(ask(port, good(person.state))) == 200


def test_starting_while_the_last_login_leaves_never_finds_our_own_port_busy():
    with Person("first").waits() as login:
        port = login.port

    def come_and_go(who: int) -> int:
        with Person(f"state-{who}").waits(port) as mine:
            return mine.port

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(come_and_go, range(60))) == {port}


def test_its_lifetime_ends_it_and_frees_the_port():
    with Person("state-a").waits(lifetime_s=0.2) as login:
        assert login.closed.wait(10)
        assert not login.is_open
        assert is_refused(login.port)


def test_without_a_lifetime_it_waits_until_it_is_closed():
    login = Person("state-a").waits(lifetime_s=None)
    assert not [t for t in threading.enumerate() if isinstance(t, threading.Timer)]
    login.close()
    assert is_refused(login.port)


PROGRAM = """
import sys, threading
from providers.oauth.listener import listen
heard = threading.Event()
def answered(url):
    heard.set()
login = listen(ports=(0,), path="/cb", state="s", on_answer=answered, lifetime_s=None)
print(login.port, flush=True)
{rest}
"""


@contextlib.contextmanager
def run(rest: str, *options: str) -> Iterator[subprocess.Popen]:
    """A program that waits for a login; it is killed when it hangs."""
    program = PROGRAM.format(rest=rest)
    with subprocess.Popen(
        [sys.executable, *options, "-c", program],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    ) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()


def test_a_process_that_just_ends_frees_the_port():
    with run("") as process:
        port = int(process.stdout.readline())
        assert process.wait(30) == 0
    assert is_refused(port)


@pytest.mark.parametrize(
    "rest", ["heard.wait()", "login.closed.wait()", "heard.wait(); login.close()"]
)
def test_a_command_that_ends_when_it_has_its_answer_still_shows_the_page(rest):
    with run(rest) as process:
        port = int(process.stdout.readline())
        answer = ask(port, "/cb?code=c&state=s")
        assert process.wait(30) == 0
    assert "return to Maestro" in answer


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_neither_keeps_the_port_nor_shares_the_login():
    rest = (
        "import os\n"
        "ends, goes_on = os.pipe()\n"  # the child lives until its parent lets go
        "child = os.fork()\n"
        "if not child:\n"
        "    os.close(goes_on)\n"
        "    again = listen(ports=(0,), path='/cb', state='t', on_answer=answered)\n"
        "    again.close()\n"
        "    print('open' if login.is_open else 'closed', flush=True)\n"
        "    os.read(ends, 1)\n"
        "    os._exit(0)\n"
        "sys.stdin.readline()\n"
        "login.close()\n"
        "print('parent closed', flush=True)\n"
        "sys.stdin.readline()\n"
        "os.close(goes_on)\n"
        "os.waitpid(child, 0)\n"
    )
    with run(rest, "-W", "ignore") as process:
        port = int(process.stdout.readline())
        assert process.stdout.readline() == "closed\n"
        assert not is_refused(port)  # still the parent's
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "parent closed\n"
        assert is_refused(port)  # though the child lives
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.wait(30) == 0
