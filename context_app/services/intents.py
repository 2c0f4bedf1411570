"""From a model's tool call to a decided, recorded intent, and on to its result.

    call ─▶ valid intent? ─no─▶ correction for the model, nothing recorded as asked
              │ yes
              ▼
    risk floor, policy ─▶ REQUESTED ─person─▶ APPROVED ─▶ STARTED ─▶ DONE | FAILED
              │                  └──────────▶ REFUSED          └─ crash ─▶ UNKNOWN
              └─ policy: run ──▶ APPROVED      refuse ──▶ REFUSED

Every change is a compare-and-swap with an event in the chain: a call runs at most once,
with exactly the arguments that were approved.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from context_app.models import StandingApproval, ToolIntent
from context_app.models.intent import Purpose, Risk
from context_app.models.policy import Action
from context_app.services import chain, policy
from context_app.services.declared import INTENT, missing, wrong_in
from context_app.services.policy import AskedFile
from context_app.tools import registry
from context_app.tools.base import Tool
from sessions_app.storable import without_nul

log = logging.getLogger(__name__)

State = ToolIntent.State
CHANGED = (
    "The tool was changed by its server after this call was declared, so it was not "
    "executed. Read what the tool is now, and ask again."
)

# What is added to the parameters of every tool.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Why you want this, what it touches, how risky it is. Be honest: it "
    "is stored, checked and shown to people.",
    "properties": {
        "purpose": {"type": "string", "enum": Purpose.values},
        "scope": {
            "type": "string",
            "description": "One sentence that names what is touched.",
        },
        "risk_level": {"type": "string", "enum": Risk.values},
    },
    "required": ["purpose", "scope", "risk_level"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Whose run asks, and of which model the call is."""

    run_id: UUID
    conversation_id: UUID
    person: Any
    teams: frozenset[Any]
    provider: str
    model: str
    step: int


def parameters_of(tool: Tool) -> dict[str, Any]:
    """A tool's JSON Schema as a model gets it: with the intent, which is required."""
    schema = dict(tool.parameters)
    schema["properties"] = {INTENT: SCHEMA, **schema.get("properties", {})}
    schema["required"] = [INTENT, *schema.get("required", [])]
    return schema


def correction(tool: Tool | None, name: str, arguments: Mapping[str, Any]) -> str:
    """What is wrong with a call, in words for the model; "" when it may be decided."""
    if tool is None:
        return f"There is no tool {name!r}. Use one of the tools you were given."
    declared = arguments.get(INTENT)
    if not isinstance(declared, Mapping):
        return (
            "The call was not executed: it has no `intent`. Repeat it with intent: "
            "{purpose, scope, risk_level}."
        )
    wrong = wrong_in(declared) + missing(tool, arguments)
    if not wrong:
        return ""
    return f"The call was not executed: {'; '.join(wrong)}. Repeat it."


def deed(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a call would do, whatever it says of it: its arguments without the intent."""
    return {name: value for name, value in arguments.items() if name != INTENT}


def scope_of(arguments: Mapping[str, Any]) -> str:
    """The scope of a valid call, as it is stored and as rules see it."""
    return str(without_nul(arguments[INTENT]["scope"])).strip()


def was_answered(intent: ToolIntent) -> bool:
    """Whether a person said yes to a call that runs: to this one, or for all of the
    conversation. The others run because nothing asked about them."""
    return intent.decision == Action.ASK or intent.decision_why == policy.STANDING


def is_explained(arguments: Mapping[str, Any]) -> bool:
    """Whether a call has a valid intent, so that it is decided and not corrected."""
    declared = arguments.get(INTENT)
    return isinstance(declared, Mapping) and not wrong_in(declared)


def known(asker: Asker, call_id: str) -> ToolIntent | None:
    """The intent of this call, if it was declared already."""
    return ToolIntent.objects.filter(
        run_ref=asker.run_id, step=asker.step, call_id=without_nul(call_id)[:200]
    ).first()


def declare(
    asker: Asker,
    tool: Tool,
    call_id: str,
    arguments: Mapping[str, Any],
    asked: Sequence[AskedFile] = (),
) -> ToolIntent:
    """Record a valid call and decide it by policy. The same call twice is one intent.

    `asked`: files that it would read beside its target, about which a rule asks.
    """
    found = known(asker, call_id)
    if found is not None:
        return found
    intent = _declared(asker, tool, call_id, arguments)
    _decide(intent, asker, tool, asked)
    with transaction.atomic():
        intent.save(force_insert=True)
        chain.append(intent)
    return intent


def is_of(intent: ToolIntent, tool: Tool, arguments: Mapping[str, Any]) -> bool:
    """Whether this is the call of an intent, and not another one under its id. A row that
    somebody altered is no other call: `start` sees that it is not begun."""
    is_same = intent.arguments_hash == chain.digest(without_nul(deed(arguments)))
    return (is_same and intent.tool == tool.name) or not chain.bears_out(intent)


def _declared(
    asker: Asker, tool: Tool, call_id: str, arguments: Mapping[str, Any]
) -> ToolIntent:
    """What was said of a call, and what we make of its risk; not saved."""
    plain = without_nul(deed(arguments))
    declared = without_nul(dict(arguments[INTENT]))
    return ToolIntent(
        run_id=asker.run_id,
        run_ref=asker.run_id,
        conversation_ref=asker.conversation_id,
        person=asker.person,
        person_name=asker.person.get_username() if asker.person else "",
        step=asker.step,
        call_id=without_nul(call_id)[:200],
        provider=asker.provider,
        model=asker.model,
        tool=tool.name,
        arguments=plain,
        arguments_hash=chain.digest(plain),
        target=without_nul(tool.target(plain)),
        purpose=declared["purpose"],
        scope=scope_of(arguments),
        declared_risk=declared["risk_level"],
        computed_risk=tool.floor(plain),
    )


def _decide(
    intent: ToolIntent, asker: Asker, tool: Tool, asked: Sequence[AskedFile]
) -> None:
    """By policy: its decision, the reason, and the state that follows."""
    call = policy.Call(
        tool=intent.tool,
        target=intent.target,
        scope=intent.scope,
        risk=intent.effective_risk,
        person=asker.person.pk if asker.person else None,
        teams=asker.teams,
    )
    given = policy.standing_approvals(asker.conversation_id, asker.person)
    name = tool.approval_name
    standing = {intent.tool: given[name]} if name in given else {}
    ruling = policy.decide(call, policy.rules_in_force(), standing)
    ruling = policy.with_files(ruling, asked, call, standing)
    intent.decision, intent.decision_why = ruling.action, ruling.why
    intent.state = {
        Action.RUN.value: State.APPROVED,
        Action.ASK.value: State.REQUESTED,
    }.get(ruling.action, State.REFUSED)
    if intent.state == State.REFUSED:
        intent.words = f"Refused by policy. {ruling.told}"


def approve(intent: ToolIntent, by: Any, *, for_conversation: bool = False) -> bool:
    """Let a waiting call run, once. False when it was decided already."""
    tool = registry.tools().get(intent.tool) if for_conversation else None
    with transaction.atomic():
        is_first = _move(
            intent, State.REQUESTED, State.APPROVED, decided_by=by, **_by(by)
        )
        if is_first and for_conversation:
            StandingApproval.objects.update_or_create(
                conversation_id=intent.conversation_ref,
                tool=tool.approval_name
                if tool is not None and is_unchanged(tool, intent)
                else intent.tool,
                defaults={"risk": intent.effective_risk, "person": by},
            )
    return is_first


def refuse(intent: ToolIntent, by: Any, words: str) -> bool:
    """Do not run a waiting call; the model gets the words. False when it was decided."""
    said = without_nul(words).strip()[:2000] or "The person refused this call."
    return _move(
        intent, State.REQUESTED, State.REFUSED, decided_by=by, words=said, **_by(by)
    )


def is_unchanged(tool: Tool, intent: ToolIntent) -> bool:
    """Whether the tool is still the one whose call was declared, by its definition."""
    return not tool.definition or tool.target(intent.arguments) == intent.target


def withdraw(intent: ToolIntent, words: str) -> bool:
    """Refuse an approved call before it begins; the words say why. False when it began."""
    return _move(intent, State.APPROVED, State.REFUSED, words=words)


def start(intent: ToolIntent, tool: Tool | None = None) -> bool:
    """Begin an approved call. False when somebody began it, or it may not run."""
    if tool is not None and not is_unchanged(tool, intent):
        withdraw(intent, CHANGED)
        return False
    with transaction.atomic():
        # Held: what is checked here is what runs, and it is what was approved.
        intent.refresh_from_db(from_queryset=ToolIntent.objects.select_for_update())
        if intent.arguments_hash != chain.digest(intent.arguments) or not (
            chain.bears_out(intent)
        ):
            log.error("intent.altered", extra={"intent_id": str(intent.pk)})
            return False
        return _move(intent, State.APPROVED, State.STARTED, started_at=timezone.now())


def finish(intent: ToolIntent, result: str, *, is_error: bool) -> bool:
    """Record what a call brought."""
    state = State.FAILED if is_error else State.DONE
    return _move(
        intent,
        State.STARTED,
        state,
        result=without_nul(result),
        finished_at=timezone.now(),
    )


def forget_started(intents: Sequence[ToolIntent]) -> None:
    """Calls that were begun by a process that is gone: nobody knows how they ended."""
    for intent in intents:
        _move(intent, State.STARTED, State.UNKNOWN, finished_at=timezone.now())


def give_up(run_id: UUID, words: str) -> int:
    """Refuse what has not begun in a run that somebody stopped: what waits, and what was
    approved before. The run may be gone on with, and neither was meant for then. How
    many."""
    waiting = (State.REQUESTED, State.APPROVED)
    return sum(
        _move(intent, intent.state, State.REFUSED, words=words)
        for intent in ToolIntent.objects.filter(run_ref=run_id, state__in=waiting)
    )


def _move(intent: ToolIntent, before: str, after: str, **changes: Any) -> bool:
    """One step of the state machine, recorded. False when it was not in `before`."""
    with transaction.atomic():
        changed = ToolIntent.objects.filter(pk=intent.pk, state=before).update(
            state=after, **changes
        )
        intent.refresh_from_db()
        if changed:
            chain.append(intent)
    return bool(changed)


def _by(person: Any) -> dict[str, Any]:
    name = person.get_username() if person else ""
    return {"decided_by_name": name, "decided_at": timezone.now()}
