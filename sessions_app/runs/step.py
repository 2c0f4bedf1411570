"""One attempt at one model response: build the request, drive the stream, log it.

Called by `retrying.py`, in the run's thread. The vendor is reached through
`providers.provider` and nothing else.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Any, NamedTuple, cast
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import Error

from context_app.assembly import Composed, TooMuch, schema_chars
from context_app.models import SentRequest
from context_app.services import context, requests
from providers import provider
from providers.errors import (
    ContextTooLong,
    CredentialRejected,
    PermissionRefused,
    ProviderError,
    RateLimited,
)
from providers.events import TERMINAL, Event, StreamError
from providers.types import AuthType, Origin, Part, Reasoning, Tool
from sessions_app.errors import LimitReached, NotAllowed
from sessions_app.models import Run, SavedAuthentication
from sessions_app.runs import asking, states
from sessions_app.runs.log.events import shifted
from sessions_app.runs.log.live import LiveRun, count
from sessions_app.runs.metering import Metered, call_of
from sessions_app.runs.turns import in_database
from sessions_app.services import sharing
from sessions_app.services.branches import said_until
from sessions_app.tokens import credential_news
from sessions_app.tokens.store import record_limit, record_state

log = logging.getLogger(__name__)

TICK_S = 0.05  # what arrives within it travels as one batch
# The cost of a run is the wake-up. With more runs than this at work, each wakes less often.
BUSY = 120
MAX_TICK_S = 0.25

RENEWING = "Renewing the login first."


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How this attempt asks. `partial`: the text of a broken answer to continue.
    `said`: the parts of this answer's earlier steps. `part_offset`: where the new ones
    come. `without_state`: the vendor refused its old notes. `tools`: what it may use."""

    partial: str = ""
    said: list[Part] = []
    part_offset: int = 0
    without_state: bool = False
    tools: list[Tool] = []


class Opened(NamedTuple):
    """A stream that was not asked for yet, and what it is about to send."""

    stream: Metered
    sent: SentRequest | None
    chars: int  # that the model has to read
    rate: str  # what its count of them is learnt for


class InProgress(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is not stored yet, as assembly reads one."""

    pk: UUID
    depth: int
    role: str
    parts: list[dict[str, Any]]
    origin: dict[str, Any]

    @classmethod
    def of(cls, run: Run, parts: list[Part]) -> InProgress:
        """The steps so far of this run's answer."""
        origin = Origin(
            provider=run.provider, model=run.model, session_id=run.credential_name
        )
        return cls(
            pk=run.answer_id,
            depth=run.question.depth + 1,
            role="assistant",
            parts=msgspec.to_builtins(parts),
            origin=msgspec.to_builtins(origin),
        )


def attempt(run: Run, live: LiveRun, asked: Asked) -> StreamError | None:
    """Ask the vendor once and log what it says. The error it ended with, or None.

    The error is not logged: the next attempt may say it all.
    Raises LogClosed when the run is no longer ours.
    """
    response = live.response
    held: list[StreamError] = []

    def sink(events: list[Event]) -> None:
        if asked.part_offset:
            events = [shifted(event, asked.part_offset) for event in events]
        last = events[-1]
        if isinstance(last, StreamError):
            held.append(last)
            events = events[:-1]
        for event in live.log.append(events) if events else ():
            response.add_event(event)
        rest_s = busy_tick_s(count()) - TICK_S
        if rest_s > 0 and not isinstance(last, TERMINAL):
            time.sleep(rest_s)

    try:
        opened = in_database(_open, run, live, asked)
        live.hold(opened.stream, hears=True)
        with opened.stream as stream:
            stream.drive(sink, tick_s=TICK_S)
    except ProviderError as exc:
        if not live.is_stopping:
            in_database(_note_refusal, run, exc)
        return StreamError(error=exc.info())
    if not held:
        _learn(run, live, opened)
    return held[0] if held else None


def _renewing(run: Run, is_renewing: bool) -> None:
    """A login is near its end, or was refused: why nothing comes for a while."""
    states.tell(run, Run.Status.RUNNING, RENEWING if is_renewing else "")


def _learn(run: Run, live: LiveRun, opened: Opened) -> None:
    """Let the size of the next request be estimated better."""
    usage = live.response.usage
    # The emulator counts in its own way, under real models' names.
    if usage is None or not usage.input_tokens or run.is_demo:
        return
    try:
        in_database(
            requests.learn,
            opened.sent,
            rate=opened.rate,
            model=run.model,
            chars=opened.chars,
            tokens=usage.input_tokens,
        )
    except Error as exc:  # an estimate is not worth an answer
        log.warning("run.not_learnt", extra={"error": type(exc).__name__})


def busy_tick_s(runs: int) -> float:
    """How long a run gathers what arrives, in seconds, when so many are at work."""
    return min(TICK_S * max(1.0, runs / BUSY), MAX_TICK_S)


def _open(run: Run, live: LiveRun, asked: Asked) -> Opened:
    """The stream, not yet asked for. Raises ProviderError."""
    credential = _credential(run)
    composed = _composed(run, credential, asked)
    messages = composed.messages
    if asked.without_state:
        messages = [msgspec.structs.replace(m, origin=None) for m in messages]
    stream = provider.stream_chat(
        credential.provider,
        credential.name,
        messages,
        model=run.model,
        auth_type=cast(AuthType, credential.auth_type),
        system=composed.system,
        **_options(run, asked),
    )
    sent = requests.keep(
        run_id=run.pk,
        step=live.response.steps,
        provider=run.provider,
        model=run.model,
        body=stream.request_body,
        tokens=composed.tokens + composed.budget.tools,
    )
    call = call_of(
        run.started_by,
        credential,
        run.model,
        input_tokens=composed.tokens + composed.budget.tools,
    )
    chars = composed.chars + schema_chars(asked.tools)
    rate = requests.rate_of(run.provider, credential)
    return Opened(Metered(stream, call), sent, chars, rate)


def _options(run: Run, asked: Asked) -> dict[str, Any]:
    """The options of `provider.stream_chat` for this step."""
    options: dict[str, Any] = {
        "conversation_key": run.conversation_id.hex,
        "idle_timeout_s": settings.MAESTRO_IDLE_TIMEOUT_S,
        "on_renewing": partial(_renewing, run),
    }
    if effort := run.options.get("reasoning_effort"):
        options["reasoning"] = Reasoning(effort=effort)
    if asked.tools:
        options["tools"] = asked.tools
    if asked.partial:
        options["partial"] = asked.partial
    return options


def _composed(run: Run, credential: SavedAuthentication, asked: Asked) -> Composed:
    """The conversation as this model gets it. Raises ContextTooLong."""
    branch: list[Any] = list(said_until(run.question))
    if asked.said:
        branch.append(InProgress.of(run, asked.said))
    composed = context.next_request(
        run.conversation,
        branch,
        provider=run.provider,
        model=run.model,
        credential=credential,
        tools=asked.tools,
    )
    try:
        composed.check()
    except TooMuch as exc:
        raise ContextTooLong(
            f"What must be sent is about {exc.tokens:,} tokens, and {run.model} has room "
            f"for {exc.room:,}. Exclude or shorten something under Context, or choose a "
            "model with a larger window.",
            provider=run.provider,
        ) from None
    return composed


def _credential(run: Run) -> SavedAuthentication:
    """The credential, if the person may still ask, and use it, now that it is their turn.

    Raises PermissionRefused, CredentialNotFound.
    """
    try:
        person = sharing.still_asking(run.started_by_id, run.conversation_id)
    except NotAllowed as exc:
        raise PermissionRefused(exc.message, provider=run.provider) from None
    mine = SavedAuthentication.objects.visible_to(person)
    found = mine.filter(pk=run.credential_id).first() if run.credential_id else None
    if found is None:
        raise asking.without_credential(run)
    return found


def _note_refusal(run: Run, exc: ProviderError) -> None:
    """What people should see in the list: a refused credential, a limit that lasts."""
    if isinstance(exc, LimitReached):
        return  # ours: it says nothing of the credential
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
