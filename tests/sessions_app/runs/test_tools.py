"""The agent loop on the real wire: declared intents, policy, approval, exactly once."""

from __future__ import annotations

import importlib
import threading

import pytest
from django.db import OperationalError

from context_app.models import IntentEvent, PolicyRule, StandingApproval, ToolIntent
from context_app.services import chain, intents
from context_app.tools.base import ToolError
from sessions_app.errors import Invalid, NotFound
from sessions_app.models import Run
from sessions_app.runs import decisions, resuming, service
from sessions_app.runs.executor import executor
from tests.sessions_app.factories import make_credential, make_user
from tests.sessions_app.factories_runs import ask, wait_for_runs, wait_until
from tests.sessions_app.runs.tool_calls import MODELS, OK, call, over, start

pytestmark = pytest.mark.django_db(transaction=True)

executor_module = importlib.import_module("sessions_app.runs.executor")


@pytest.mark.parametrize("slug", MODELS)
def test_a_tool_is_run_and_its_result_goes_back(vendors, bench, slug):
    vendors.script(text="Let me see.", calls=[call("look", "the clock")])
    vendors.script(text="It is late.")
    run = over(start(slug))

    assert (run.status, bench.done) == ("done", [{"what": "the clock"}])
    kinds = [part["type"] for part in run.answer.parts]
    assert kinds == ["text", "tool_call", "tool_result", "text"]
    assert run.answer.text == "Let me see.It is late."
    intent = ToolIntent.objects.get()
    assert (intent.tool, intent.purpose, intent.scope) == (
        "look",
        "user_request",
        "Look at the clock.",
    )
    assert (intent.state, intent.decision, intent.result) == (
        "done",
        "run",
        "did the clock",
    )
    assert "did the clock" in vendors.requests()[-1]["body"]
    assert chain.verify() is None


@pytest.mark.parametrize("slug", MODELS)
def test_the_next_question_brings_the_calls_along(vendors, bench, slug):
    user = make_user()
    vendors.script(calls=[call("look")])
    vendors.script(text="Done.")
    first = start(slug, user=user)
    over(first)
    vendors.script(text="As I said.")
    second = start(slug, user=user, conversation_id=first.conversation.pk, text="And?")
    assert over(second).status == "done"
    assert "did it" in vendors.requests()[-1]["body"]


def test_every_tool_asks_for_an_intent(vendors, bench):
    vendors.script(text="No need.")
    over(start())
    for tool in vendors.bodies()[0]["tools"]:
        schema = tool["parameters"]
        assert schema["required"][0] == "intent"
        assert schema["properties"]["intent"]["required"] == [
            "purpose",
            "scope",
            "risk_level",
        ]


def test_without_being_switched_on_there_are_no_tools(vendors, bench):
    user = make_user()
    credential = make_credential(owner=user)
    ask(user, credential_id=credential.pk, model=MODELS["openai"])
    wait_for_runs()
    assert "tools" not in vendors.bodies()[0]


@pytest.mark.parametrize(
    ("intent", "says"),
    [
        (None, "has no `intent`"),
        ({**OK, "purpose": "fun"}, "`purpose` must be one of"),
        ({**OK, "risk_level": "none"}, "`risk_level` must be one of"),
        ({**OK, "scope": ""}, "`scope` must be a sentence"),
        ({"purpose": "research"}, "`scope` must be a sentence"),
        ("because", "has no `intent`"),
    ],
)
def test_a_call_without_a_valid_intent_is_corrected_and_never_run(
    vendors, bench, intent, says
):
    vendors.script(calls=[call("look", intent=intent)])
    vendors.script(text="Sorry.")
    run = over(start())
    assert (run.status, bench.done) == ("done", [])
    result = next(p for p in run.answer.parts if p["type"] == "tool_result")
    assert says in result["text"] and result["is_error"]
    assert not ToolIntent.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "`what` is missing"),
        ({"what": 3}, "`what` must be a string"),
        ({"what": "x", "force": True}, "there is no `force`"),
    ],
)
def test_arguments_that_do_not_fit_are_said_and_nothing_runs(
    vendors, bench, arguments, says
):
    vendors.script(calls=[{"name": "look", "arguments": {"intent": OK, **arguments}}])
    vendors.script(text="Sorry.")
    run = over(start())
    assert says in str(run.answer.parts) and bench.done == []


def test_a_tool_that_does_not_exist_is_said(vendors, bench):
    vendors.script(calls=[call("fly")])
    vendors.script(text="Sorry.")
    assert "There is no tool 'fly'" in str(over(start()).answer.parts)


def test_the_risk_is_ours_whatever_the_model_says(vendors, bench):
    vendors.script(calls=[call("destroy", "everything")])
    run = over(start())
    assert run.status == "waiting"
    intent = ToolIntent.objects.get()
    assert (intent.declared_risk, intent.computed_risk) == ("low", "high")
    assert (intent.effective_risk, intent.state) == ("high", "requested")
    assert bench.done == []


def waiting(vendors, name="change", **fields):
    """(user, run) that waits for a decision."""
    vendors.script(text="I want to.", calls=[call(name, "the file")])
    user = make_user()
    run = over(start(user=user, **fields))
    assert run.status == "waiting", (run.status, run.error)
    return user, run, ToolIntent.objects.get(run_ref=run.pk)


def test_an_approved_call_runs_once_and_the_answer_goes_on(vendors, bench):
    user, run, intent = waiting(vendors)
    vendors.script(text="Done so.")
    decisions.decide(user=user, intent_id=intent.pk, approve=True)
    wait_for_runs()
    run = Run.objects.select_related("answer").get(pk=run.pk)
    assert (run.status, run.epoch) == ("done", 2)
    assert bench.done == [{"what": "the file"}]
    assert run.answer.text == "I want to.Done so."
    intent.refresh_from_db()
    assert (intent.state, intent.decided_by_name) == ("done", user.get_username())
    states = IntentEvent.objects.values_list("state", flat=True)
    assert list(states) == ["requested", "approved", "started", "done"]


def test_a_refusal_reaches_the_model_in_the_persons_words(vendors, bench):
    user, run, intent = waiting(vendors)
    vendors.script(text="I see.")
    decisions.decide(
        user=user, intent_id=intent.pk, approve=False, words="Not on a Friday."
    )
    wait_for_runs()
    assert Run.objects.get(pk=run.pk).status == "done"
    assert bench.done == []
    assert "Not on a Friday." in vendors.requests()[-1]["body"]


def test_a_double_click_runs_it_once(vendors, bench):
    user, _run, intent = waiting(vendors)
    vendors.script(text="Done so.")
    errors = []

    def click():
        from django.db import connections

        try:
            decisions.decide(user=user, intent_id=intent.pk, approve=True)
        except Invalid as exc:
            errors.append(exc)
        finally:
            connections.close_all()

    clicks = [threading.Thread(target=click) for _ in range(6)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    wait_for_runs()
    assert len(errors) == 5
    assert bench.done == [{"what": "the file"}]


def test_an_approval_for_the_conversation_is_not_asked_again(vendors, bench):
    user, run, intent = waiting(vendors)
    vendors.script(text="Once.")
    decisions.decide(
        user=user, intent_id=intent.pk, approve=True, for_conversation=True
    )
    wait_for_runs()
    vendors.script(calls=[call("change", "another")])
    vendors.script(text="Twice.")
    credential = run.credential
    again = ask(
        user,
        credential_id=credential.pk,
        model=MODELS["openai"],
        options={"tools": True},
        conversation_id=run.conversation_id,
    )
    assert over(again).status == "done"
    assert len(bench.done) == 2
    why = ToolIntent.objects.get(run_ref=again.run.pk).decision_why
    assert why == "Approved for this conversation."
    vendors.script(calls=[call("destroy", "all")])
    third = ask(
        user,
        credential_id=credential.pk,
        model=MODELS["openai"],
        options={"tools": True},
        conversation_id=run.conversation_id,
    )
    assert over(third).status == "waiting"  # another tool, and riskier


def test_somebody_else_decides_nothing(vendors, bench):
    _, _run, intent = waiting(vendors)
    for approve in (True, False):
        with pytest.raises(NotFound):
            decisions.decide(user=make_user(), intent_id=intent.pk, approve=approve)
    intent.refresh_from_db()
    assert intent.state == "requested"


def test_changed_arguments_are_not_what_was_approved(vendors, bench):
    user, run, intent = waiting(vendors)
    ToolIntent.objects.filter(pk=intent.pk).update(arguments={"what": "the other file"})
    vendors.script(text="Odd.")
    decisions.decide(user=user, intent_id=intent.pk, approve=True)
    wait_for_runs()
    assert bench.done == []
    assert "may not run" in str(Run.objects.get(pk=run.pk).answer.parts)
    assert chain.verify().table == "ToolIntent"


def test_stopping_a_waiting_answer_refuses_its_calls(vendors, bench):
    user, run, intent = waiting(vendors)
    service.stop_run(user=user, run_id=run.pk)
    run.refresh_from_db()
    intent.refresh_from_db()
    assert (run.status, intent.state) == ("stopped", "refused")
    with pytest.raises(Invalid):
        decisions.decide(user=user, intent_id=intent.pk, approve=True)
    assert bench.done == []


def test_a_stop_in_the_moment_in_which_an_answer_begins_to_wait_is_heard(
    vendors, bench, monkeypatch
):
    real, user = executor_module.finish, make_user()

    def stopped_first(run, at_work, outcome):
        service.stop_run(user=user, run_id=run.pk)
        return real(run, at_work, outcome)

    monkeypatch.setattr(executor_module, "finish", stopped_first)
    vendors.script(calls=[call("change", "the file")])
    run = over(start(user=user))
    intent = ToolIntent.objects.get()
    assert (run.status, run.cause) == ("stopped", "You stopped it.")
    assert (intent.state, bench.done) == ("refused", [])
    assert run.finished_at is not None


def test_a_stop_that_finds_the_answer_at_work_and_then_waiting_is_heard(
    vendors, bench, monkeypatch
):
    user = make_user()
    vendors.script(calls=[call("change", "the file")])
    run = over(start(user=user))
    rests, looks = service._stop_resting, []

    def a_little_too_early(run, causes):
        looks.append(run)
        return len(looks) > 1 and rests(run, causes)

    monkeypatch.setattr(service, "_stop_resting", a_little_too_early)
    service.stop_run(user=user, run_id=run.pk)
    run.refresh_from_db()
    assert (run.status, ToolIntent.objects.get().state) == ("stopped", "refused")


def test_a_call_that_was_approved_before_a_stop_does_not_run_when_it_goes_on(
    vendors, bench
):
    vendors.script(calls=[call("change", "a"), call("change", "b")])
    user = make_user()
    run = over(start(user=user))
    first = ToolIntent.objects.open().earliest("created_at")
    decisions.decide(user=user, intent_id=first.pk, approve=True)
    service.stop_run(user=user, run_id=run.pk)
    vendors.script(text="As you say.")
    resuming.carry_on(user=user, run_id=run.pk)
    wait_for_runs()
    run = Run.objects.select_related("answer").get(pk=run.pk)
    assert (run.status, bench.done) == ("done", [])
    assert str(run.answer.parts).count("stopped") == 2


def test_stopping_an_answer_at_work_refuses_its_calls_that_wait(vendors, bench):
    bench.gate = threading.Event()
    vendors.script(calls=[call("change", "the file"), call("look")])
    user = make_user()
    started = start(user=user)
    wait_until(lambda: bench.done)
    service.stop_run(user=user, run_id=started.run.pk)
    bench.gate.set()
    assert over(started).status == "stopped"
    intent = ToolIntent.objects.get(tool="change")
    assert intent.state == "refused"
    with pytest.raises(Invalid, match="already"):
        decisions.decide(user=user, intent_id=intent.pk, approve=True)


def test_a_call_that_was_running_when_the_server_died_is_unknown_and_not_repeated(
    vendors, bench
):
    user, run, intent = waiting(vendors)
    intents.approve(intent, user)
    assert intents.start(intent)  # and the process is gone
    vendors.script(text="I shall look.")
    Run.objects.filter(pk=run.pk).update(status="queued")
    executor.submit(run.pk)
    wait_for_runs()
    intent.refresh_from_db()
    assert (intent.state, bench.done) == ("unknown", [])
    assert "not known" in str(Run.objects.get(pk=run.pk).answer.parts)


def test_several_calls_of_one_answer_wait_for_all_their_decisions(vendors, bench):
    vendors.script(calls=[call("change", "a"), call("look", "b"), call("change", "c")])
    user = make_user()
    run = over(start(user=user))
    assert (run.status, bench.done) == ("waiting", [{"what": "b"}])
    first, second = ToolIntent.objects.open().order_by("created_at")
    decisions.decide(user=user, intent_id=first.pk, approve=True)
    wait_for_runs()
    assert Run.objects.get(pk=run.pk).status == "waiting"
    vendors.script(text="All done.")
    decisions.decide(user=user, intent_id=second.pk, approve=False)
    wait_for_runs()
    run = Run.objects.select_related("answer").get(pk=run.pk)
    assert run.status == "done"
    assert [d["what"] for d in bench.done] == ["b", "a"]


def test_a_rule_decides_before_the_risk_does(vendors, bench):
    PolicyRule.objects.create(
        name="never", tool="look", target="secret*", action="refuse"
    )
    PolicyRule.objects.create(name="free", tool="change", target="docs/*", action="run")
    vendors.script(calls=[call("look", "secret.txt"), call("change", "docs/a.md")])
    vendors.script(text="So be it.")
    run = over(start())
    assert run.status == "done"
    assert bench.done == [{"what": "docs/a.md"}]
    why = {i.tool: i.decision_why for i in ToolIntent.objects.all()}
    assert why == {"look": "Rule “never”.", "change": "Rule “free”."}


def test_a_rule_about_the_declared_scope_holds_and_its_words_are_not_told(
    vendors, bench
):
    PolicyRule.objects.create(name="gone", scope="*delete*", action="refuse")
    PolicyRule.objects.create(name="free", tool="change", action="run")
    deletes = {**OK, "scope": "Delete the old notes."}
    vendors.script(calls=[call("change", "a", deletes), call("change", "b")])
    vendors.script(text="So be it.")
    run = over(start())
    assert (run.status, bench.done) == ("done", [{"what": "b"}])
    why = {i.arguments["what"]: i.decision_why for i in ToolIntent.objects.all()}
    assert why == {"a": "Rule “gone”, by what the model declared.", "b": "Rule “free”."}
    assert "Refused by policy. Rule “gone”." in str(run.answer.parts)
    assert "declared" not in str(run.answer.parts)


def test_what_a_tool_did_is_not_lost_where_the_database_is_away_for_a_moment(
    vendors, bench, monkeypatch
):
    finish, faults = intents.finish, []

    def away_at_first(*args, **fields):
        if len(faults) < 2:
            faults.append(OperationalError("the connection is closed"))
            raise faults[-1]
        return finish(*args, **fields)

    monkeypatch.setattr(intents, "finish", away_at_first)
    vendors.script(calls=[call("look")])
    vendors.script(text="It is late.")
    run = over(start())
    assert (run.status, len(bench.done), len(faults)) == ("done", 1, 2)
    assert ToolIntent.objects.get().state == "done"


def test_a_tools_error_is_an_answer(vendors, bench):
    bench.error = ToolError("There is no such file.")
    vendors.script(calls=[call("look")])
    vendors.script(text="I see.")
    run = over(start())
    assert (run.status, ToolIntent.objects.get().state) == ("done", "failed")
    assert "There is no such file." in vendors.requests()[-1]["body"]


def test_a_tools_bug_is_told_without_its_details(vendors, bench):
    bench.error = RuntimeError("password=hunter2")
    vendors.script(calls=[call("look")])
    vendors.script(text="I see.")
    run = over(start())
    assert run.status == "done"
    assert "RuntimeError" in str(run.answer.parts)
    assert "hunter2" not in str(run.answer.parts)


@pytest.mark.parametrize(
    ("limit", "value", "says"),
    [
        ("TOKENS", 1, "tokens, the limit of a run here"),
        ("USD", 0.000001, "an estimated $"),
    ],
)
def test_tokens_and_cost_are_limited(vendors, bench, settings, limit, value, says):
    setattr(settings, f"MAESTRO_MAX_RUN_{limit}", value)
    for n in range(4):
        vendors.script(calls=[call("look", str(n))])
    run = over(start())
    assert (run.status, len(bench.done)) == ("done", 1)
    assert says in run.cause and run.cause.startswith("Ended")


def test_steps_are_limited(vendors, bench, settings):
    settings.MAESTRO_MAX_STEPS = 2
    for n in range(4):
        vendors.script(calls=[call("look", str(n))])
    run = over(start())
    assert (run.status, len(bench.done)) == ("done", 2)
    assert "2 steps" in run.cause


def test_stop_reaches_a_tool_at_work(vendors, bench):
    bench.gate = threading.Event()
    vendors.script(calls=[call("look")])
    user = make_user()
    started = start(user=user)
    wait_until(lambda: bench.done)
    service.stop_run(user=user, run_id=started.run.pk)
    bench.gate.set()
    assert over(started).status == "stopped"


def test_the_record_names_the_first_row_that_was_altered(vendors, bench):
    vendors.script(calls=[call("look", "a"), call("look", "b")])
    vendors.script(text="Done.")
    over(start())
    assert chain.verify() is None
    IntentEvent.objects.filter(number=2).update(state="refused")
    fault = chain.verify()
    assert (fault.table, fault.row) == ("IntentEvent", "2")


@pytest.mark.parametrize(
    "change",
    [
        lambda: IntentEvent.objects.order_by("-number")[:1][0].delete(),
        lambda: ToolIntent.objects.update(purpose="maintenance"),
        lambda: ToolIntent.objects.update(result="something else"),
        lambda: ToolIntent.objects.update(state="refused"),
        lambda: IntentEvent.objects.filter(number=1).update(previous="f" * 64),
    ],
)
def test_no_change_of_the_record_goes_unseen(vendors, bench, change):
    vendors.script(calls=[call("look", "a")])
    vendors.script(text="Done.")
    over(start())
    change()
    assert chain.verify() is not None


def test_a_standing_approval_belongs_to_its_conversation(vendors, bench):
    user, run, intent = waiting(vendors)
    decisions.decide(
        user=user, intent_id=intent.pk, approve=True, for_conversation=True
    )
    wait_for_runs()
    assert StandingApproval.objects.get().conversation_id == run.conversation_id
    vendors.script(calls=[call("change", "the file")])
    assert over(start(user=user)).status == "waiting"
