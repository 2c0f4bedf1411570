"""The end of a run: its log, its answer and its row in one transaction, then the news.

Called by the executor for runs of this process, and by the reaper for runs that nobody
works on any more.
"""

from __future__ import annotations

import copy
import logging
import time
from typing import Any

import msgspec
from django.db import Error
from django.utils import timezone

from context_app.services import intents
from providers.events import ErrorInfo
from providers.types import Origin
from sessions_app import storage
from sessions_app.models import Conversation, Message, Run
from sessions_app.runs import metrics, notices
from sessions_app.runs.costs import cost_of
from sessions_app.runs.log.live import LiveRun
from sessions_app.runs.log.response import RunResponse, as_data
from sessions_app.runs.log.tail import stored_events
from sessions_app.runs.log.writer import writer
from sessions_app.runs.outcome import Outcome
from sessions_app.runs.turns import in_database, writing
from sessions_app.storable import without_nul

log = logging.getLogger(__name__)

GIVE_UP_AFTER_S = 60.0
STOPPED = "You stopped it."
_UNREADABLE = "What it said after this cannot be read."

Status = Run.Status


class NotOurs(Exception):
    """The run was ended, taken over or deleted by somebody else."""


def finish(run: Run, live: LiveRun, outcome: Outcome) -> bool:
    """Store the end of our run, with patience. False when it was not ours to end."""
    values = _values(run, outcome) | {
        "seq": live.log.seq,
        "first_event_at": live.log.first_event_at,
    }
    deadline = time.monotonic() + GIVE_UP_AFTER_S
    # A full disk lasts until somebody makes room: the text stays here, and is shown.
    while True:
        try:
            in_database(_commit, run, live, outcome, values)
            break
        except NotOurs:
            return False
        except Error as exc:
            if why := storage.trouble(exc):
                deadline = time.monotonic() + GIVE_UP_AFTER_S
                if not live.unstored:
                    in_database(_show_unstored, run, live, outcome, why)
            if time.monotonic() > deadline:
                # The reaper of whoever comes next finds it by its silent heartbeat.
                log.error("run.not_stored", extra={"run_id": str(run.pk)})
                return False
            log.warning("run.store_failed", extra={"error": type(exc).__name__})
            time.sleep(0.5)
    metrics.streamed(run.provider, live.log.deltas)
    try:
        in_database(tell, run)
    except Error as exc:  # it is stored: followers find it when they look
        log.warning("run.not_told", extra={"error": type(exc).__name__})
    return True


def _commit(run: Run, live: LiveRun, outcome: Outcome, values: dict[str, Any]) -> None:
    writer.commit_with(live, lambda: _store(run, outcome.response, values))


def _show_unstored(run: Run, live: LiveRun, outcome: Outcome, why: str) -> None:
    """Its followers see the whole answer, and that only this process has it."""
    shown, answer = copy.copy(run), copy.copy(run.answer)
    answer.parts = msgspec.to_builtins(outcome.response.parts())
    words = f"{why.partition('.')[0]}. {storage.UNSAVED}"  # the banner says the rest
    error = ErrorInfo(kind=storage.KIND, message=words)
    shown.answer, shown.status, shown.seq = answer, Status.FAILED, live.log.seq
    shown.cause, shown.error = storage.ENDED, msgspec.to_builtins(error)
    live.unstored = notices.run_frames(shown)
    notices.say(run.conversation_id, live.unstored)


def end_dead(run: Run) -> bool:
    """End a run that nobody works on: stopped if that was asked, else interrupted.

    Its text is rebuilt from the log, as far as that can be read. False when somebody
    else was first.
    """
    status, cause = Status.INTERRUPTED, "The server stopped while it was answering."
    if run.stop_requested_at is not None:
        status, cause = Status.STOPPED, STOPPED
    is_ended = _end_from_log(run, status=status, cause=cause)
    if is_ended:
        log.warning("run.reaped", extra={"run_id": str(run.pk), "status": str(status)})
    return is_ended


def _end_from_log(run: Run, *, status: str, cause: str) -> bool:
    response = RunResponse()
    try:
        for event in stored_events(run.pk):
            response.add_event(event)
    except msgspec.DecodeError:  # written by a newer version, or damaged
        log.error("run.log_unreadable", extra={"run_id": str(run.pk)})
        cause = f"{cause} {_UNREADABLE}"
    last = run.batches.order_by("-last_seq").values_list("last_seq", flat=True).first()
    outcome = Outcome(status=status, response=response, cause=cause)
    values = _values(run, outcome) | {"seq": last or 0}
    try:
        with writing():
            _store(run, response, values)
    except NotOurs:
        return False
    tell(run)
    return True


def _store(run: Run, response: RunResponse, values: dict[str, Any]) -> None:
    changed = Run.objects.filter(
        pk=run.pk, epoch=run.epoch, status__in=Run.AT_WORK
    ).update(**values)
    if not changed:
        raise NotOurs
    if values["status"] in Run.ACTIVE:
        values = _stopped_meanwhile(run, values)
    if values["status"] == Status.STOPPED:
        intents.give_up(run.pk, "The answer was stopped.")
    origin = Origin(
        provider=run.provider, model=run.model, session_id=run.credential_name
    )
    Message.objects.filter(pk=run.answer_id).update(
        parts=without_nul(msgspec.to_builtins(response.parts())),
        text=without_nul(response.text),
        origin=msgspec.to_builtins(origin),
    )
    Conversation.objects.filter(pk=run.conversation_id).update(
        updated_at=timezone.now()
    )


def _stopped_meanwhile(run: Run, values: dict[str, Any]) -> dict[str, Any]:
    """What holds of a run that was about to wait, and that somebody has just stopped."""
    end = {"status": Status.STOPPED, "cause": STOPPED, "finished_at": timezone.now()}
    asked = Run.objects.filter(pk=run.pk).exclude(stop_requested_at=None)
    return values | end if asked.update(**end) else values


def _values(run: Run, outcome: Outcome) -> dict[str, Any]:
    """The fields of the row that an end sets. Much of it is a vendor's own words."""
    response = outcome.response
    finished = response.finished
    priced = cost_of(run, response)
    values: dict[str, Any] = {
        "status": outcome.status,
        "cause": (outcome.cause or response.note)[:200],
        "error": msgspec.to_builtins(outcome.error) if outcome.error else None,
        "has_steps": response.has_steps or bool(response.open_calls()),
        "stop_reason": finished.stop_reason if finished else "",
        "stop_reason_raw": (response.stop_reason_raw or "")[:100],
        "usage": as_data(response),
        "cost_usd": priced[0] if priced else None,
        "price_date": str(priced[1]) if priced else "",
        "finished_at": None if outcome.status in Run.ACTIVE else timezone.now(),
        "retry_at": None,
        "worker": "",
    }
    return {name: without_nul(value) for name, value in values.items()}


def tell(run: Run) -> None:
    """Tell followers and the meters about a run that is over."""
    fresh = (
        Run.objects.select_related("answer", "conversation", "credential")
        .filter(pk=run.pk)
        .first()
    )
    if fresh is None:
        return
    if fresh.is_active:  # it waits for a person
        notices.run_changed(fresh)
        return
    metrics.run_ended(fresh)
    log.info(
        "run.finished",
        extra={
            "run_id": str(fresh.pk),
            "provider": fresh.provider,
            "status": fresh.status,
            "stop_reason": fresh.stop_reason,
            "error_kind": (fresh.error or {}).get("kind", ""),
        },
    )
    notices.run_changed(fresh)
    notices.conversation_changed(fresh.conversation)
    notices.context_changed(fresh.conversation_id)
