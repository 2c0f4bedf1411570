"""The agent loop: answer, tools, answer, … until there is nothing left to ask for.

    step ─▶ tool calls? ─no─▶ done
              │ yes
              ▼
    toolbox ─▶ all answered ─▶ next step        one waits for a person ─▶ the run waits

Bounded in steps, tokens, time and money, and by a look for circles. Every finished step is
in the log before the next begins, so that resuming costs at most one step.
"""

from __future__ import annotations

import logging
import time
from collections import Counter

import msgspec
from django.conf import settings

from context_app.services import intents
from providers.types import ToolCallPart
from sessions_app.models import Run
from sessions_app.runs import offered, retrying, toolbox, words
from sessions_app.runs.costs import cost_of
from sessions_app.runs.log.events import StepStarted, ToolFinished
from sessions_app.runs.log.live import LiveRun
from sessions_app.runs.outcome import Outcome
from sessions_app.runs.turns import in_database

log = logging.getLogger(__name__)

Status = Run.Status
_Key = tuple[str, bytes, bool]
# The same call with the same arguments, so often and with none in between that was never
# made before, is a circle. A test that is run again after every change is none. Other
# words about it, in the intent, make no other call.
SAME_CALLS = 3


def work(run: Run, live: LiveRun) -> Outcome:
    """The whole answer to a run's question. Never raises ProviderError.

    Raises LogClosed when the run is no longer ours.
    """
    began = time.monotonic()
    tools = in_database(offered.specs_for, run)
    response = live.response
    if response.is_whole:
        # It was whole; only its end was not stored before the server went.
        return Outcome(status=Status.DONE, response=response)
    while True:
        if tools and (calls := response.open_calls()):
            _break_circles(live, calls)
            is_answered = toolbox.answer(run, live, response.open_calls())
            if retrying.is_over(live):
                return retrying.stopped(live)
            if not is_answered:
                return Outcome(
                    status=Status.WAITING,
                    response=response,
                    cause="Waits for your approval.",
                )
        if response.has_steps or live.has_words:
            if why := _spent(run, live, began):
                return Outcome(status=Status.DONE, response=response, cause=why)
            is_heard = live.has_words and words.hear(run, live)
            if response.awaits_step:
                _begin_step(run, live, "steered" if is_heard else "tools")
            elif response.is_broken:
                _begin_step(run, live, "repeated", response.step_part)
        outcome = retrying.answer(run, live, tools)
        if outcome.status == Status.DONE and live.has_words:
            continue
        # A vendor may ask for tools that nobody offered: that is its last word then.
        if outcome.status != Status.DONE or not tools or not response.open_calls():
            return outcome


def _begin_step(run: Run, live: LiveRun, why: str, part: int | None = None) -> None:
    event = StepStarted(
        part=live.response.next_part if part is None else part,
        step=live.response.steps + (why != "repeated"),
        provider=run.provider,
        session_id=run.credential_name,
        model=run.model,
        why=why,
    )
    for said in live.log.append([event]):
        live.response.add_event(said)


def _spent(run: Run, live: LiveRun, began: float) -> str:
    """Why no further step is begun, in words; "" when one may be."""
    response = live.response
    if response.steps >= settings.MAESTRO_MAX_STEPS:
        return f"Ended after {response.steps} steps, the limit here."
    if time.monotonic() - began > settings.MAESTRO_MAX_RUN_S:
        return "Ended: it took longer than a run may take here."
    usage = response.spent
    if usage is None:
        return ""
    tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
    if tokens > settings.MAESTRO_MAX_RUN_TOKENS:
        return f"Ended after {tokens:,} tokens, the limit of a run here."
    priced = cost_of(run, response)
    if priced and float(priced[0]) > settings.MAESTRO_MAX_RUN_USD:
        return f"Ended after an estimated ${priced[0]:.2f}, the limit of a run here."
    return ""


def _break_circles(live: LiveRun, calls: list[ToolCallPart]) -> None:
    """Answer a call that was made again and again, instead of running it once more."""
    asked = _since_the_last_new_one(live)
    for call in calls:
        key = _key(call)
        if asked[key] <= SAME_CALLS:
            continue
        event = ToolFinished(
            part=live.response.next_part,
            call_id=call.call_id,
            name=call.name,
            text="You made this very call several times already. It was not executed "
            "again. Use what you know, or say what is missing.",
            is_error=True,
        )
        for said in live.log.append([event]):
            live.response.add_event(said)


def _since_the_last_new_one(live: LiveRun) -> Counter[_Key]:
    """How often each call was made since the model last asked for something new."""
    seen: set[_Key] = set()
    asked: Counter[_Key] = Counter()
    for part in live.response.parts():
        if not isinstance(part, ToolCallPart):
            continue
        key = _key(part)
        if key not in seen:
            seen.add(key)
            asked.clear()
        asked[key] += 1
    return asked


def _key(call: ToolCallPart) -> _Key:
    deed = msgspec.json.encode(intents.deed(call.arguments), order="sorted")
    # What was corrected was never made: the same with a valid intent is another one.
    return call.name, deed, intents.is_explained(call.arguments)
