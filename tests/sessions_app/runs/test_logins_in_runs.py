"""A run whose login must be renewed first: visibly, stoppably, and in nobody's way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from sessions_app.models import Run, SavedAuthentication, UsageDay
from sessions_app.runs import service
from tests.providers.oauth.login_server import LoginServer
from tests.providers.oauth.logins_in_use import ANSWERS, REFUSED, STREAM, TOKEN, fresh
from tests.sessions_app.factories import make_credential, make_oauth, make_user
from tests.sessions_app.factories_runs import (
    PATIENCE_S,
    ask,
    wait_for_runs,
    wait_until,
)

pytestmark = pytest.mark.django_db(transaction=True)

KEY_ANSWERS = "POST https://api.openai.com/v1/responses"
EVENTS = "text/event-stream"


class Gates:
    """Where the vendor waits for our word, and where it does not."""

    def __init__(self, server: LoginServer) -> None:
        self.server = server
        self._closed: dict[str, threading.Event] = {}
        server.hook = self._wait

    def close(self, line: str) -> None:
        self._closed[line] = threading.Event()

    def open(self, line: str) -> None:
        self._closed[line].set()

    def _wait(self, asked: object) -> None:
        gate = self._closed.get(asked.line)  # type: ignore[attr-defined]
        if gate is not None:
            gate.wait(PATIENCE_S)


@pytest.fixture
def gates(transactional_db: None, tmp_path, settings) -> Iterator[Gates]:
    """Every vendor. Its answers are "Hello"; tokens are given once they are let."""
    settings.DATA_DIR = tmp_path
    with LoginServer() as server:
        server.says(ANSWERS, STREAM, content_type=EVENTS)
        server.says(KEY_ANSWERS, STREAM, content_type=EVENTS)
        server.says(TOKEN, fresh())
        found = Gates(server)
        found.close(TOKEN)
        yield found
        found.open(TOKEN)
        wait_for_runs()


def now(started: service.Started) -> Run:
    return Run.objects.select_related("answer").get(pk=started.run.pk)


def ask_with_login(left_s: float = -10, user=None) -> service.Started:
    user = user or make_user()
    row = make_oauth(owner=user, expires_in_s=left_s)
    return ask(user, credential_id=row.pk, model="gpt-9")


def test_other_answers_begin_and_end_while_logins_are_renewed(gates: Gates) -> None:
    """Renewing may take minutes, and there are few threads for the database."""
    waiting = [ask_with_login() for _ in range(4)]
    wait_until(lambda: len(gates.server.to(TOKEN)) == 4)
    user = make_user()
    other = ask(user, credential_id=make_credential(owner=user).pk, model="gpt-9")
    wait_until(lambda: now(other).status == "done")
    assert {now(one).status for one in waiting} == {"running"}
    gates.open(TOKEN)
    wait_for_runs()
    assert {(now(one).status, now(one).answer.text) for one in waiting} == {
        ("done", "Hello")
    }


def test_who_waits_for_a_login_to_be_renewed_is_told(gates: Gates) -> None:
    started = ask_with_login()
    wait_until(lambda: now(started).cause == "Renewing the login first.")
    assert now(started).status == "running"
    gates.close(ANSWERS)
    gates.open(TOKEN)
    wait_until(lambda: gates.server.to(ANSWERS))
    assert (now(started).status, now(started).cause) == ("running", "")
    gates.open(ANSWERS)
    wait_for_runs()
    assert (now(started).status, now(started).cause) == ("done", "")


@pytest.mark.parametrize("left_s", [-10, 3600], ids=["in time", "after a refusal"])
def test_a_stop_does_not_wait_for_a_renewal_and_does_not_break_it_off(
    gates: Gates, left_s: float
) -> None:
    if left_s > 0:
        gates.server.forget(ANSWERS)
        gates.server.says(ANSWERS, REFUSED, 401)
    user = make_user()
    started = ask_with_login(left_s, user)
    wait_until(lambda: now(started).cause == "Renewing the login first.")
    began = time.monotonic()
    service.stop_run(user=user, run_id=started.run.pk)
    wait_until(lambda: now(started).status == "stopped", timeout_s=2)
    assert time.monotonic() - began < 2
    gates.open(TOKEN)
    row = SavedAuthentication.objects.get()
    wait_until(lambda: SavedAuthentication.objects.get().generation == 1)
    assert SavedAuthentication.objects.get().pk == row.pk
    assert len(gates.server.to(TOKEN)) == 1
    assert not UsageDay.objects.exists()  # nobody answered, and nothing is paid for
