"""One model response inside a run: build the request, drive the stream, keep what came.

Called by the executor's thread. The vendor is reached through `providers.provider` and
nothing else; the outcome is stored by `finish.py`. One attempt: what a vendor refuses is
an outcome with a clear error, never a repeated request.
"""

from __future__ import annotations

import logging
import time
from typing import Any, cast

import msgspec
from django.conf import settings

from context_app.assembly import assemble
from providers import provider
from providers.accumulate import Accumulator
from providers.chat_stream import ChatStream
from providers.errors import (
    CredentialNotFound,
    CredentialRejected,
    ProviderError,
    RateLimited,
)
from providers.events import TERMINAL, ErrorInfo, Event
from providers.types import AuthType, Reasoning
from sessions_app import credential_news
from sessions_app.models import Run, SavedAuthentication
from sessions_app.runs.history import branch_to
from sessions_app.runs.live import LiveRun, count
from sessions_app.runs.turns import in_database
from sessions_app.store import record_limit, record_state

log = logging.getLogger(__name__)

TICK_S = 0.05  # what arrives within it travels as one batch
# The cost of a run is the wake-up. With more runs than this at work, each wakes less often.
BUSY = 120
MAX_TICK_S = 0.25

Status = Run.Status


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended, and what it brought."""

    status: str
    response: Accumulator
    cause: str = ""
    error: ErrorInfo | None = None


def run_step(run: Run, live: LiveRun) -> Outcome:
    """Ask the vendor and log what it says until its end. Never raises ProviderError.

    Raises LogClosed when the run is no longer ours.
    """
    response = live.response

    def sink(events: list[Event]) -> None:
        for event in live.log.append(events):
            response.add(event)
        rest_s = busy_tick_s(count()) - TICK_S
        if rest_s > 0 and not isinstance(events[-1], TERMINAL):
            time.sleep(rest_s)

    try:
        stream = in_database(_open, run)
        live.hold(stream)
        with stream:
            stream.drive(sink, tick_s=TICK_S)
    except ProviderError as exc:
        if not live.is_stopping:
            in_database(_note_refusal, run, exc)
            return _failed(response, exc.info())
    return _outcome(response, live)


def busy_tick_s(runs: int) -> float:
    """How long a run gathers what arrives, in seconds, when so many are at work."""
    return min(TICK_S * max(1.0, runs / BUSY), MAX_TICK_S)


def _outcome(response: Accumulator, live: LiveRun) -> Outcome:
    finished = response.finished
    if finished is not None and finished.stop_reason != "cancelled":
        return Outcome(status=Status.DONE, response=response)
    if live.is_stopping:
        status = Status.INTERRUPTED if live.is_interrupted else Status.STOPPED
        return Outcome(status=status, response=response, cause=live.cause)
    if response.error is not None:
        return _failed(response, response.error)
    return Outcome(status=Status.STOPPED, response=response, cause="It was stopped.")


def _failed(response: Accumulator, error: ErrorInfo) -> Outcome:
    return Outcome(
        status=Status.FAILED, response=response, error=error, cause=error.message[:200]
    )


def _open(run: Run) -> ChatStream:
    """The stream, not yet asked for. Raises ProviderError."""
    credential = _credential(run)
    options: dict[str, Any] = {
        "conversation_key": run.conversation_id.hex,
        "idle_timeout_s": settings.MAESTRO_IDLE_TIMEOUT_S,
    }
    effort = run.options.get("reasoning_effort")
    if effort:
        options["reasoning"] = Reasoning(effort=effort)
    return provider.stream_chat(
        credential.provider,
        credential.name,
        assemble(branch_to(run.question)),
        model=run.model,
        auth_type=cast(AuthType, credential.auth_type),
        **options,
    )


def _credential(run: Run) -> SavedAuthentication:
    """The credential, if the person may still use it now that it is their turn."""
    mine = SavedAuthentication.objects.visible_to(run.started_by)
    found = mine.filter(pk=run.credential_id).first() if run.credential_id else None
    if found is None:
        raise CredentialNotFound(
            f"The credential “{run.credential_name}” is gone or no longer shared with "
            "you. Pick another one and ask again.",
            provider=run.provider,
        )
    return found


def _note_refusal(run: Run, exc: ProviderError) -> None:
    """What people should see in the list: a refused credential, a limit that lasts."""
    rows = SavedAuthentication.objects
    row = rows.filter(pk=run.credential_id).first() if run.credential_id else None
    if row is None:
        return
    if isinstance(exc, CredentialRejected) and row.state == row.State.OK:
        record_state(row, SavedAuthentication.State.REJECTED, exc.message)
    elif isinstance(exc, RateLimited):
        record_limit(row, exc.retry_after_s)
    else:
        return
    credential_news.changed(row.pk)
