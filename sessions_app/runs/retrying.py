"""One answer, in as many attempts as its errors allow: asked, waited for, asked again.

Decides nothing itself (`providers.retry` does): it waits, visibly and stoppably, records
every attempt, and never asks again for what a person has seen, unless the vendor
documents how a broken answer is continued.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

import msgspec
from django.conf import settings
from django.db import Error
from django.utils import timezone

from providers import provider, retry
from providers.events import ErrorInfo, StreamError
from providers.retry import Attempted, Decision, Limits
from providers.types import Tool
from sessions_app.models import Run, RunAttempt
from sessions_app.runs import failover, metrics, states
from sessions_app.runs.log.events import StepStarted
from sessions_app.runs.log.live import LiveRun
from sessions_app.runs.outcome import Outcome, failed
from sessions_app.runs.step import Asked, attempt
from sessions_app.runs.turns import in_database
from sessions_app.storable import without_nul

log = logging.getLogger(__name__)

Status = Run.Status


def answer(run: Run, live: LiveRun, tools: list[Tool]) -> Outcome:
    """One model response. Never raises ProviderError.

    Done also when the person threw words in: the caller lets the model hear them.
    Raises LogClosed when the run is no longer ours.
    """
    tries = _Tries(run, live, tools)
    if live.response.is_broken:
        tries.go_on()  # a person asked for the rest of a broken answer
    while True:
        broken = None if live.has_words else tries.ask()
        if is_over(live):
            return stopped(live)
        if broken is None or live.has_words:
            return Outcome(status=Status.DONE, response=live.response)
        decision = tries.decide(broken.error)
        if tries.prepare(decision) or tries.pass_on(decision, broken.error):
            continue
        if is_over(live):
            return stopped(live)
        tries.close(broken)
        return failed(live.response, broken.error)


def limits(run: Run) -> Limits:
    """What the operator allows, or what the person chose for this conversation."""
    chosen = run.options.get("retry") or {}
    return Limits(
        attempts=chosen.get("attempts", settings.MAESTRO_RETRY_ATTEMPTS),
        total_s=chosen.get("total_s", settings.MAESTRO_RETRY_TOTAL_S),
    )


class _Tries:
    """The attempts of one answer: how many, for how long, and how to ask next."""

    def __init__(self, run: Run, live: LiveRun, tools: list[Tool]) -> None:
        self._run = run
        self._live = live
        self._began = time.monotonic()
        self._count = 0
        self._recorded = 0
        self._started_at = timezone.now()
        self._tried: set[tuple[Any, str]] = set()
        self._asked = self._anew(tools)
        self._limits = limits(run)

    def ask(self) -> StreamError | None:
        """One request. The error it ended with, or None."""
        self._count += 1
        self._started_at = timezone.now()
        self._live.response.begin_attempt()
        broken = attempt(self._run, self._live, self._asked)
        if broken is None:
            self._note_good_end()
        return broken

    def _note_good_end(self) -> None:
        """A request that did not fail is a row and a count, too."""
        action = RunAttempt.STOPPED if is_over(self._live) else RunAttempt.ANSWERED
        metrics.attempt_ended(self._run.provider, action)
        self._note(action=action)

    def _note(self, **end: Any) -> None:
        try:
            in_database(self._record, **end)
        except Error as exc:  # the answer is worth more than its account
            log.warning("run.attempt_unrecorded", extra={"error": type(exc).__name__})

    def decide(self, error: ErrorInfo) -> Decision:
        """What to do about it; counted, logged, and recorded where that is possible."""
        so_far = Attempted(
            attempts=self._count,
            elapsed_s=time.monotonic() - self._began,
            has_output=self._live.response.has_output,
            stale_dropped=self._asked.without_state,
        )
        decision = retry.decide(error, so_far, self._limits)
        if decision.action == "go_on" and not self._may_go_on():
            decision = msgspec.structs.replace(decision, action="stop")
        self._note(
            error=without_nul(msgspec.to_builtins(error)),
            retry_class=decision.kind.value,
            action=decision.action,
            wait_s=decision.wait_s,
        )
        metrics.attempt_failed(self._run.provider, decision.kind, decision.action)
        log.info(
            "run.attempt_failed",
            extra={
                "run_id": str(self._run.pk),
                "attempt": self._count,
                "class": decision.kind.value,
                "action": decision.action,
                "wait_s": round(decision.wait_s, 2),
            },
        )
        return decision

    def prepare(self, decision: Decision) -> bool:
        """Get ready for the next attempt. False when there is none."""
        match decision.action:
            case "retry":
                return self._wait(decision)
            case "drop_state":
                self._asked = msgspec.structs.replace(self._asked, without_state=True)
                return True
            case "go_on":
                self.go_on()
                return True
        return False

    def go_on(self) -> None:
        """The next request asks for the rest of what was said."""
        live = self._live
        event = StepStarted(
            part=live.response.next_part,
            step=live.response.steps,
            provider=self._run.provider,
            session_id=self._run.credential_name,
            model=self._run.model,
            why="continued",
        )
        for said in live.log.append([event]):
            live.response.add_event(said)
        self._asked = msgspec.structs.replace(
            self._asked,
            partial=live.response.unfinished,
            part_offset=live.response.next_part,
        )

    def pass_on(self, decision: Decision, error: ErrorInfo) -> bool:
        """Let somebody else answer whom the person chose; whether there is anybody.

        Nobody says again what was shown, also where its rest was being asked for.
        """
        run, live = self._run, self._live
        if live.response.has_output or self._asked.partial or is_over(live):
            return False
        self._tried.add((run.credential_id, run.model))
        found = in_database(failover.substitute, run, decision, error, self._tried)
        before = [run.provider, run.model]
        if found is None or not in_database(failover.switch, run, found):
            return False
        event = StepStarted(
            part=live.response.next_part,
            step=live.response.steps,
            provider=run.provider,
            session_id=run.credential_name,
            model=run.model,
            why="fallback",
            note=found.note,
            instead_of=before,
        )
        for said in live.log.append([event]):
            live.response.add_event(said)
        self._asked = self._anew(self._asked.tools)
        self._count = 0
        states.tell(run, Status.RUNNING)
        return True

    def _anew(self, tools: list[Tool]) -> Asked:
        response = self._live.response
        return Asked(
            tools=tools,
            said=response.parts() if response.has_steps else [],
            part_offset=response.next_part,
        )

    def close(self, broken: StreamError) -> None:
        """What followers see is broken off: the log says so."""
        live = self._live
        if live.response.has_output or broken.stop_reason_raw:
            for said in live.log.append([broken]):
                live.response.add_event(said)

    def _may_go_on(self) -> bool:
        if self._count >= self._limits.attempts or not self._live.response.can_go_on:
            return False
        if not provider.can_continue(self._run.provider):
            return False
        return time.monotonic() - self._began < self._limits.total_s

    def _wait(self, decision: Decision) -> bool:
        """Rest before the next attempt, as everybody can see. Whether to go on."""
        again_at = timezone.now() + timedelta(seconds=decision.wait_s)
        cause = f"Trying again in {max(round(decision.wait_s), 1)} s: {decision.why}."
        states.tell(self._run, Status.RETRYING, cause, again_at)
        if not self._live.rest(decision.wait_s):
            return False
        states.tell(self._run, Status.RUNNING)
        return True

    def _record(self, **end: Any) -> None:
        if not self._recorded:
            self._recorded = RunAttempt.objects.filter(run=self._run).count()
        self._recorded += 1
        RunAttempt.objects.create(
            run=self._run,
            number=self._recorded,
            step=self._live.response.steps,
            provider=self._run.provider,
            credential_name=self._run.credential_name,
            model=self._run.model,
            started_at=self._started_at,
            ended_at=timezone.now(),
            **end,
        )


def is_over(live: LiveRun) -> bool:
    """Whether somebody ended it; asked again each time: another thread says so."""
    return live.is_stopping


def stopped(live: LiveRun) -> Outcome:
    """The end of a run that a person or the server ended.

    Where the server ended it and nothing of the present request was shown, the run goes
    back into the queue: whoever comes next goes on at this step.
    """
    status = Status.STOPPED
    if live.is_interrupted:
        status = Status.INTERRUPTED if live.response.is_broken else Status.QUEUED
    if status == Status.QUEUED:
        return Outcome(status=status, response=live.response)
    return Outcome(
        status=status, response=live.response, cause=live.cause or "It was stopped."
    )
