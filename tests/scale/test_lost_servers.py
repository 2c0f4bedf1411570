"""R-6, R-7, F11, F12: Redis and PostgreSQL are killed, frozen and full while people read.

Twenty answers stream in one web process and are read in the other, so that every word
goes through Redis and every look into the log through PostgreSQL.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest
import requests

from tests.faults.refreshing import note
from tests.faults.world import Page, Seen, a_page, until
from tests.scale.installation import Door, Installation
from tests.scale.test_two_web_processes import MODEL, follow, words

# The first of them starts the installation: four processes and two servers.
pytestmark = pytest.mark.timeout(300)

STREAMS = 20
SECONDS = 12
PACE = 40
TEXT = words(SECONDS * PACE)
WITHIN_S = 10.0


@contextmanager
def twenty_streams(
    installation: Installation, name: str
) -> Iterator[tuple[list[Seen], list[Seen], Page]]:
    """Asked in the first process, followed in the second; all have begun."""
    here, there = installation.doors
    installation.vendor.reset()
    with ExitStack() as stack:
        asks = stack.enter_context(a_page(here))  # type: ignore[arg-type]
        reads = stack.enter_context(a_page(there))  # type: ignore[arg-type]
        asked = []
        for number in range(STREAMS):
            question = f"{name} stream {number}."
            installation.vendor.script(text=TEXT, match=question)
            asked.append(asks.ask(question, model=MODEL))
        read = [follow(reads, one) for one in asked]
        until(lambda: all(one.text for one in read), "all begin", installation.output)
        yield asked, read, reads


def check_complete(
    installation: Installation, asked: list[Seen], read: list[Seen]
) -> None:
    """0 lost, 0 doubled: on both pages, and stored."""
    until(
        lambda: all(one.final is not None for one in [*asked, *read]),
        "all end", installation.output,
    )  # fmt: skip
    for one in [*asked, *read]:
        assert one.status == "done"
        assert one.text == one.final == TEXT
    for one in asked:
        assert installation.doors[1].stored(one)["text"] == TEXT


def caught_up(installation: Installation, read: list[Seen]) -> Callable[[], bool]:
    """Whether the reading page has all that the vendor had said when this was asked."""
    said = min(s["said"] for s in installation.vendor.streams())
    return lambda: all(len(one.text.split()) >= said for one in read)


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_redis_is_away_and_every_page_has_the_whole_text(
    installation: Installation, how: str
) -> None:
    redis = installation.redis
    with twenty_streams(installation, f"redis {how}") as (asked, read, page):
        if how == "killed":
            redis.kill()
            time.sleep(2)
            redis.start()
        else:
            redis.freeze()
            time.sleep(5)
            redis.go_on()
        took = until(
            caught_up(installation, read), "pages catch up", installation.output,
            within_s=WITHIN_S,
        )  # fmt: skip
        note(f"R-6 {how}: caught up {took:.1f} s after Redis answered")
        check_complete(installation, asked, read)
        assert page.closes == [], "no page had to connect again"
    ready(installation)


def ready(installation: Installation) -> None:
    """Both web processes say so."""
    for door in installation.doors:
        until(
            lambda door=door: door.get("/readyz").status_code == 200,
            "ready", installation.output, within_s=WITHIN_S,
        )  # fmt: skip


class Asking(threading.Thread):
    """Somebody who asks for a page twenty times a second; what they got, and when."""

    def __init__(self, door: Door) -> None:
        super().__init__(daemon=True)
        self.door = door
        self.got: list[tuple[float, int, str]] = []
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.05):
            at = time.monotonic()
            try:
                answer = self.door.get("/api/conversations/", timeout=8)
                header = answer.headers.get("Retry-After", "")
                self.got.append((at, answer.status_code, header))
            except requests.RequestException as exc:
                self.got.append((at, 0, type(exc).__name__))

    def stop(self) -> None:
        self._over.set()
        self.join(10)


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_postgresql_is_away_and_back_and_no_word_is_lost(
    installation: Installation, how: str
) -> None:
    postgres = installation.postgres
    with twenty_streams(installation, f"postgres {how}") as (asked, read, _):
        somebody = Asking(installation.doors[1])
        somebody.start()
        time.sleep(1)
        postgres.stop("immediate") if how == "killed" else postgres.freeze()
        stopped_at = time.monotonic()
        time.sleep(4)
        started_at = time.monotonic()
        postgres.start() if how == "killed" else postgres.go_on()
        up_at = time.monotonic()
        until(
            lambda: somebody.got[-1][1] == 200 and somebody.got[-1][0] > up_at,
            "requests work", installation.output, within_s=WITHIN_S,
        )  # fmt: skip
        note(
            f"R-7 {how}: requests work {time.monotonic() - up_at:.1f} s after it came up"
        )
        check_complete(installation, asked, read)
        somebody.stop()
    bad = [one for one in somebody.got if one[1] != 200]
    note(f"R-7 {how}: {len(bad)} of {len(somebody.got)} requests failed")
    assert {status for _, status, _ in bad} <= {503}, bad
    assert {header for _, _, header in bad} <= {"5"}
    assert all(stopped_at - 1 < at < up_at + WITHIN_S for at, _, _ in bad)
    assert started_at - stopped_at < 30, "streams were kept in memory meanwhile"
    ready(installation)
    tasks_run(installation)


def tasks_run(installation: Installation) -> None:
    """The workers take and finish a task within ten seconds."""
    code = "from django_q.tasks import async_task; print('key', async_task('{}'))"
    key = installation.manage(
        "shell", "-c", code.format("sessions_app.tasks.refresh_due")
    ).split()[-1]
    took = until(
        lambda: installation.sql(
            f"SELECT success FROM django_q_task WHERE id = '{key}'"
        ) == [(True,)],
        "a task runs", installation.output, within_s=WITHIN_S,
    )  # fmt: skip
    note(f"R-7: a task ran {took:.1f} s after it was queued")


def test_without_a_free_connection_it_says_so_and_goes_on_later(
    installation: Installation,
) -> None:
    """F12: the limit of the server is reached by others."""
    here = installation.doors[0]
    # Tests before this one may have ended some, each for its own reason.
    alive = [p for p in installation.processes if p.poll() is None]
    installation.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    held = []
    try:
        while len(held) < 200:
            try:
                held.append(psycopg.connect(installation.postgres.url))
            except psycopg.OperationalError:
                break
        assert len(held) < 200, "there is a limit"
        answers = [here.get("/api/conversations/") for _ in range(3)]
        refused = [a for a in answers if a.status_code == 503]
        assert all(a.status_code in (200, 503) for a in answers), answers
        for answer in refused:
            assert answer.headers["Retry-After"] == "5"
            assert answer.json()["error"]["code"] == "unavailable"
    finally:
        for link in held:
            link.close()
    until(
        lambda: here.get("/api/conversations/").status_code == 200,
        "it goes on", installation.output, within_s=WITHIN_S,
    )  # fmt: skip
    left = [process.poll() for process in alive]
    assert left == [None] * len(left), installation.output()
    ready(installation)
