"""The emulator's model by itself: good, missing and dishonest intents, in parallel too."""

from __future__ import annotations

import pytest

from context_app.models import IntentEvent, ToolIntent
from context_app.services import chain
from tests.emulator import EmulatorProcess
from tests.sessions_app.runs.tool_calls import MODELS, Bench, over, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("slug", MODELS)
@pytest.mark.parametrize(
    ("words", "declared"), [("", "high"), (", dishonestly", "low")]
)
def test_what_was_declared_and_what_is_so_are_both_stored(
    vendors: EmulatorProcess, bench: Bench, slug: str, words: str, declared: str
) -> None:
    run = over(start(slug, text=f"Use destroy as a tool{words}."))
    intent = ToolIntent.objects.get()
    assert (intent.declared_risk, intent.computed_risk) == (declared, "high")
    assert (intent.effective_risk, intent.decision) == ("high", "ask")
    assert intent.scope.startswith("Only look" if words else "Use destroy")
    facts = IntentEvent.objects.get().facts
    assert (facts["declared_risk"], facts["computed_risk"]) == (declared, "high")
    assert (run.status, bench.done) == ("waiting", [])
    assert chain.verify() is None


@pytest.mark.parametrize("slug", MODELS)
def test_a_missing_intent_is_corrected(
    vendors: EmulatorProcess, bench: Bench, slug: str
) -> None:
    run = over(start(slug, text="Use look as a tool, unexplained."))
    assert (run.status, bench.done) == ("done", [])
    assert "it has no `intent`" in str(run.answer.parts)
    assert not ToolIntent.objects.exists()


@pytest.mark.parametrize("slug", MODELS)
def test_several_calls_at_once_are_each_judged(
    vendors: EmulatorProcess, bench: Bench, slug: str
) -> None:
    run = over(start(slug, text="Two in parallel, dishonestly."))
    calls = [part for part in run.answer.parts if part["type"] == "tool_call"]
    assert len(calls) == 2
    assert {one["arguments"]["intent"]["risk_level"] for one in calls} == {"low"}
    last = ToolIntent.objects.get(tool="destroy")
    assert (last.declared_risk, last.effective_risk) == ("low", "high")
    assert (run.status, last.state, bench.done) == ("waiting", "requested", [])
