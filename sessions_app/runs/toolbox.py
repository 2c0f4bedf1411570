"""Tool calls of a run: declared, decided, run once, answered. In the run's thread.

open calls ─▶ valid intent? ─▶ policy ─▶ approved: run it ─▶ result into the log
                 └ correction            ├ refused: the words into the log
                                         └ asked: the run waits, nobody is at work

An approved call begins if who asked still may ask, as the rows say at that moment.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from django.conf import settings

from context_app.models import ToolIntent
from context_app.services import intents
from context_app.services.intents import Asker
from context_app.tools.base import Tool, ToolContext, ToolError, cut
from providers.types import ToolCallPart
from sessions_app.errors import NotAllowed
from sessions_app.models import Membership, Run
from sessions_app.runs import notices, offered
from sessions_app.runs.audits.for_tools import RunAudits
from sessions_app.runs.context.for_tools import RunContext
from sessions_app.runs.log.events import ToolFinished
from sessions_app.runs.log.live import LiveRun
from sessions_app.runs.path_rules import PathRules, asked_about
from sessions_app.runs.turns import in_database, with_patience
from sessions_app.services import sharing

log = logging.getLogger(__name__)

State = ToolIntent.State

LOST = (
    "The server stopped while this tool ran. Whether it took effect is not known; it was "
    "not run again. Check before you repeat it."
)
SAME_ID = (
    "Not executed: another call of this answer has this id. Make one call at a time."
)


def answer(run: Run, live: LiveRun, calls: list[ToolCallPart]) -> bool:
    """Answer every call that may be answered now. False when one waits for a person."""
    tools = offered.tools_of(run)
    asker = in_database(_asker, run, live.response.steps)
    waiting = False
    for call in calls:
        tool = tools.get(call.name)
        wrong = _wrong(tool, call)
        if wrong or tool is None:
            _say(live, call, wrong, is_error=True)
            continue
        intent = _declared(run, live, asker, tool, call)
        if not in_database(intents.is_of, intent, tool, call.arguments):
            _say(live, call, SAME_ID, is_error=True)
            continue
        _tell(run, intent)
        if intent.state == State.REQUESTED:
            waiting = True
            continue
        if not _settle(run, live, call, tool, intent):
            return True  # stopped; the caller looks
    return not waiting


def _wrong(tool: Tool | None, call: ToolCallPart) -> str:
    if call.arguments_raw is not None:
        return "The call was not executed: its arguments are no JSON object. Repeat it."
    return intents.correction(tool, call.name, call.arguments)


def _declared(
    run: Run, live: LiveRun, asker: Asker, tool: Tool, call: ToolCallPart
) -> ToolIntent:
    """The call's intent, decided: now, or before the run waited."""
    known = in_database(intents.known, asker, call.call_id)
    if known is not None:
        return known
    stop = threading.Event()
    live.hold(_Stopper(stop))
    deed = intents.deed(call.arguments)
    asked = asked_about(run, tool, deed, intents.scope_of(call.arguments), stop)
    return in_database(
        intents.declare, asker, tool, call.call_id, call.arguments, asked
    )


def _settle(
    run: Run, live: LiveRun, call: ToolCallPart, tool: Tool, intent: ToolIntent
) -> bool:
    """Answer a decided call. False when the run was stopped meanwhile."""
    if intent.state == State.STARTED:  # by a process that is gone: this one would know
        in_database(intents.forget_started, [intent])
    match intent.state:
        case State.REFUSED:
            _say(live, call, intent.words or "It was refused.", is_error=True)
        case State.UNKNOWN:
            _say(live, call, LOST, is_error=True)
        case State.DONE | State.FAILED:  # answered before a crash, and not yet logged
            _say(live, call, intent.result, is_error=intent.state == State.FAILED)
        case State.APPROVED if in_database(_begin, run, tool, intent):
            _tell(run, intent)
            text, is_error = _run(run, live, tool, intent)
            with_patience(intents.finish, intent, text, is_error=is_error)
            _say(live, call, text, is_error=is_error)
        case _:
            words = intent.words or "It may not run any more."
            _say(live, call, words, is_error=True)
    _tell(run, intent)
    return not live.is_stopping


def _begin(run: Run, tool: Tool, intent: ToolIntent) -> bool:
    """Start it for who asked, if they still may. Approved, it may have waited for days."""
    try:
        sharing.still_asking(run.started_by_id, run.conversation_id)
    except NotAllowed as exc:
        intents.withdraw(intent, f"{exc.message} So the call was not executed.")
        return False
    return intents.start(intent, tool)


def _run(run: Run, live: LiveRun, tool: Tool, intent: ToolIntent) -> tuple[str, bool]:
    """(result, whether it is an error), whatever the tool does."""
    stop = threading.Event()
    live.hold(_Stopper(stop))
    context = ToolContext(
        conversation_id=str(run.conversation_id),
        person_id=run.started_by_id,
        workspace=offered.workspace(),
        stop=stop,
        deadline_s=settings.MAESTRO_TOOL_TIMEOUT_S,
        allows_unlocked=settings.MAESTRO_SHELL_WITHOUT_SANDBOX,
        context=RunContext(run, intent),
        audit=RunAudits(run),
        refused=PathRules(
            run.started_by_id,
            intent.tool,
            intent.scope,
            intent.arguments,
            is_answered=intents.was_answered(intent),
        ),
    )
    try:
        return cut(str(tool.run(intent.arguments, context))), False
    except ToolError as exc:
        return cut(str(exc)), True
    except Exception as exc:  # a tool's bug is an answer for the model, not our end
        log.exception("tool.crashed", extra={"tool": tool.name})
        return f"The tool itself failed ({type(exc).__name__}).", True


class _Stopper:
    """What a stop of the run reaches while a tool is at work."""

    def __init__(self, event: threading.Event) -> None:
        self._event = event

    def close(self) -> None:
        self._event.set()


def _asker(run: Run, step: int) -> Asker:
    teams = Membership.objects.filter(user=run.started_by).values_list(
        "team", flat=True
    )
    return Asker(
        run_id=run.pk,
        conversation_id=run.conversation_id,
        person=run.started_by,
        teams=frozenset(teams),
        provider=run.provider,
        model=run.model,
        step=step,
    )


def _say(live: LiveRun, call: ToolCallPart, text: str, *, is_error: bool) -> None:
    event = ToolFinished(
        part=live.response.next_part,
        call_id=call.call_id,
        name=call.name,
        text=text,
        is_error=is_error,
    )
    for logged in live.log.append([event]):
        live.response.add_event(logged)


def _tell(run: Run, intent: Any) -> None:
    notices.intent_changed(run.conversation_id, intent)
