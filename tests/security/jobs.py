"""What the processes of the races do; see `installed.py`. Results are JSON.

A job gets ready, says so, waits for the word, and then does what it does in threads.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import DatabaseError, connections, transaction  # noqa: E402

from context_app.models import ChainHead, IntentEvent, ToolIntent  # noqa: E402
from context_app.services import chain, intents  # noqa: E402
from sessions_app.errors import ServiceError  # noqa: E402
from sessions_app.models import Run  # noqa: E402
from sessions_app.runs import decisions, service  # noqa: E402
from sessions_app.runs.executor import executor  # noqa: E402
from tests.sessions_app.factories import make_intent, make_user  # noqa: E402
from tests.sessions_app.factories_runs import make_run  # noqa: E402

submitted: list[str] = []  # runs that were put to work here


def at_once(work: Iterable[Callable[[], Any]]) -> Counter[str]:
    """Each in a thread of its own, begun together: how often which result or error."""
    found: Counter[str] = Counter()
    work = list(work)
    barrier = threading.Barrier(len(work))

    def one(task: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            said = str(task())
        except (ServiceError, DatabaseError) as exc:
            said = type(exc).__name__
        finally:
            connections.close_all()
        found[said] += 1

    threads = [threading.Thread(target=one, args=(task,)) for task in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def migrate() -> None:
    """Make the schema."""
    call_command("migrate", verbosity=0, interactive=False)


def prepare(runs: int, calls: int, state: str = "requested") -> list[list[str]]:
    """Nothing but waiting runs of alice, with so many calls each: the ids of the calls."""
    for model in (IntentEvent, ToolIntent, ChainHead, Run):
        model.objects.all().delete()
    get_user_model().objects.all().delete()
    alice = make_user("alice")
    found = []
    for _ in range(runs):
        run = make_run(alice, status="waiting")
        found.append([str(make_intent(run, state=state).pk) for _ in range(calls)])
    return found


def decide(ids: list[str], threads: int, approve: bool = True) -> dict[str, Any]:
    """Everybody decides every call, by the service that doors use."""
    alice = _alice()
    found: Counter[str] = Counter()
    for pk in ids:
        found += at_once(
            [lambda pk=pk: _decide(alice, pk, approve) for _ in range(threads)]
        )
    return {"said": found, "submitted": submitted}


def _decide(alice: Any, pk: Any, approve: bool) -> str:
    decisions.decide(user=alice, intent_id=pk, approve=approve)
    return "decided"


def start(ids: list[str], threads: int) -> dict[str, int]:
    """Everybody begins every call; how often who was let."""
    found: Counter[str] = Counter()
    for pk in ids:
        found += at_once([lambda pk=pk: _start(pk) for _ in range(threads)])
    return found


def _start(pk: str) -> bool:
    return intents.start(ToolIntent.objects.get(pk=pk))


def stop(ids: list[str]) -> dict[str, int]:
    """Stop the run of each of these calls."""
    alice = _alice()
    runs = [ToolIntent.objects.get(pk=pk).run_ref for pk in ids]
    return at_once(
        [lambda r=r: service.stop_run(user=alice, run_id=r).status for r in runs]
    )


def approve_all(groups: list[list[str]]) -> dict[str, int]:
    """One group after the other: all its calls are approved at the same moment."""
    alice = _alice()
    found: Counter[str] = Counter()
    for ids in groups:
        found += at_once([lambda pk=pk: _decide(alice, pk, True) for pk in ids])
    return found


def append(count: int, threads: int) -> dict[str, int]:
    """Record calls, each thread so many."""
    runs = list(Run.objects.all())

    def some(run: Run) -> str:
        for _ in range(count):
            with transaction.atomic():  # as the product declares a call
                intent = make_intent(run, call_id=uuid4().hex)
            intents.approve(intent, None)
        return "ok"

    return at_once([lambda n=n: some(runs[n % len(runs)]) for n in range(threads)])


def verify_often(times: int) -> list[str]:
    """Verify again and again; the faults that were found."""
    found = []
    for _ in range(times):
        fault = chain.verify()
        if fault is not None:
            found.append(f"{fault.table} {fault.row}: {fault.why}")
    return found


def look() -> dict[str, Any]:
    """How everything is in the end."""
    fault = chain.verify()
    return {
        "fault": fault and f"{fault.table} {fault.row}: {fault.why}",
        "events": IntentEvent.objects.count(),
        "end": chain.end().number,
        "intents": Counter(ToolIntent.objects.values_list("state", flat=True)),
        "started": IntentEvent.objects.filter(state="started").count(),
        "runs": sorted(
            {
                (
                    run.status,
                    *sorted(i.state for i in ToolIntent.objects.filter(run=run)),
                )
                for run in Run.objects.all()
            }
        ),
    }


def _alice() -> Any:
    return Run.objects.select_related("started_by").first().started_by


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Runs are not begun here: what would be is counted.
    executor.submit = lambda run_id: submitted.append(str(run_id))  # type: ignore[method-assign]
    _say("ready")
    sys.stdin.readline()
    _say(json.dumps(globals()[sys.argv[1]](**json.loads(sys.argv[2]))))
