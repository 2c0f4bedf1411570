"""A model that asks for the same thing again and again is ended with a word to it."""

from __future__ import annotations

from typing import Any

import pytest

from context_app.models import ToolIntent
from tests.emulator import EmulatorProcess
from tests.sessions_app.runs.tool_calls import MODELS, OK, Bench, call, over, start

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_circle_is_ended_with_a_word(vendors: EmulatorProcess, bench: Bench) -> None:
    for _ in range(5):
        vendors.script(calls=[call("look", "again")])
    vendors.script(text="Enough.")
    run = over(start())
    assert run.status == "done"
    assert len(bench.done) == 3
    assert "several times already" in str(run.answer.parts)


@pytest.mark.parametrize("slug", MODELS)
def test_a_model_that_goes_in_a_circle_by_itself_is_held_up(
    vendors: EmulatorProcess, slug: str
) -> None:
    run = over(start(slug, text="Go in a circle with current time."))
    (done, *more) = ToolIntent.objects.values_list("state", flat=True)
    assert (run.status, {done, *more}, 1 + len(more)) == ("done", {"done"}, 3)
    assert run.answer.text.endswith("That is all there is to know.")


def test_what_is_tried_again_after_every_change_is_no_circle(
    vendors: EmulatorProcess, bench: Bench
) -> None:
    for n in range(5):
        vendors.script(calls=[call("look", f"change {n}")])
        vendors.script(calls=[call("look", "the tests")])
    vendors.script(text="They pass.")
    run = over(start())
    assert (run.status, run.answer.text) == ("done", "They pass.")
    assert [a["what"] for a in bench.done].count("the tests") == 5


def test_a_circle_of_several_calls_is_ended_too(
    vendors: EmulatorProcess, bench: Bench
) -> None:
    for _ in range(5):
        vendors.script(calls=[call("look", "a")])
        vendors.script(calls=[call("look", "b")])
    vendors.script(text="Enough.")
    run = over(start())
    assert run.answer.text == "Enough."
    assert [a["what"] for a in bench.done].count("b") == 3


def about_it(scope: str, **fields: str) -> dict[str, Any]:
    return call("look", "again", {**OK, "scope": scope, **fields})


def test_other_words_about_the_same_call_make_no_other_call(
    vendors: EmulatorProcess, bench: Bench
) -> None:
    for n, purpose in enumerate(["research", "maintenance"] * 3):
        vendors.script(calls=[about_it(f"Look for the {n}. time.", purpose=purpose)])
    vendors.script(text="Enough.")
    run = over(start())
    assert (run.status, run.answer.text) == ("done", "Enough.")
    assert len(bench.done) == 3
    assert str(run.answer.parts).count("several times already") == 3


def test_a_call_that_was_corrected_until_it_was_right_is_no_circle(
    vendors: EmulatorProcess, bench: Bench
) -> None:
    for wrong in (None, "because", {**OK, "purpose": "fun"}):
        vendors.script(calls=[call("look", "again", wrong)])
    vendors.script(calls=[call("look", "again")])
    vendors.script(text="At last.")
    run = over(start())
    assert (run.answer.text, bench.done) == ("At last.", [{"what": "again"}])
    assert "several times already" not in str(run.answer.parts)


def test_wrong_intents_in_new_words_are_a_circle_too(
    vendors: EmulatorProcess, bench: Bench
) -> None:
    for n in range(5):
        vendors.script(calls=[about_it(f"Look {n}.", purpose="fun")])
    vendors.script(text="Enough.")
    run = over(start())
    assert (run.answer.text, bench.done) == ("Enough.", [])
    assert str(run.answer.parts).count("`purpose` must be one of") == 3
    assert str(run.answer.parts).count("several times already") == 2
