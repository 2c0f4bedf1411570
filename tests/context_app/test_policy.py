"""Policy: the first rule that fits decides, in one order, in the words of its reason."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from hypothesis import given, settings
from hypothesis import strategies as st

from context_app.models import PolicyRule
from context_app.services import policy
from context_app.services.policy import Call, Rule

RISKS = ("low", "medium", "high")
ACTIONS = ("run", "ask", "refuse")
letters = st.text(alphabet="abA*?[]!-./\n\\éÉ", max_size=8)


def means(pattern: str, text: str) -> bool:
    """What a pattern says, spelled out: `*` anything, `?` one character, else itself."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(means(pattern[1:], text[n:]) for n in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and means(pattern[1:], text[1:])


def fits(rule: Rule, call: Call) -> bool:
    return (
        (rule.tool == "" or means(rule.tool, call.tool))
        and (rule.target == "" or means(rule.target, call.target))
        and (
            rule.scope == ""
            or (
                rule.action != "run"
                and call.scope != ""
                and means(rule.scope.lower(), call.scope.lower())
            )
        )
        and (rule.risk == "" or RISKS.index(call.risk) >= RISKS.index(rule.risk))
        and rule.person in (None, call.person)
        and (rule.team is None or rule.team in call.teams)
    )


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    return Rule(
        name=draw(st.text(min_size=1, max_size=5)),
        action=draw(st.sampled_from(ACTIONS)),
        tool=draw(st.sampled_from(["", "shell", "s*", "web_?etch", "*"])),
        target=draw(letters),
        scope=draw(st.just("") | letters),
        risk=draw(st.sampled_from(["", *RISKS])),
        person=draw(st.sampled_from([None, 1, 2])),
        team=draw(st.sampled_from([None, "red", "blue"])),
    )


@st.composite
def calls(draw: st.DrawFn) -> Call:
    return Call(
        tool=draw(st.sampled_from(["shell", "web_fetch", "current_time"])),
        target=draw(letters),
        scope=draw(letters),
        risk=draw(st.sampled_from(RISKS)),
        person=draw(st.sampled_from([None, 1, 2])),
        teams=frozenset(draw(st.sets(st.sampled_from(["red", "blue"])))),
    )


@settings(max_examples=1000, deadline=None)
@given(st.lists(rules(), max_size=6), calls())
def test_the_first_rule_that_fits_decides_and_is_named(
    some: list[Rule], call: Call
) -> None:
    ruling = policy.decide(call, some)
    fitting = [rule for rule in some if fits(rule, call)]
    first = next(iter(fitting), None)
    if first is not None and first.scope and first.action == "ask":
        rest = (rule for rule in fitting if not (rule.scope and rule.action == "ask"))
        after = next(rest, first)
        first = after if after.action == "refuse" else first
    if first is not None:
        assert (ruling.action, ruling.rule) == (first.action, first.name)
        assert ruling.why.startswith(f"Rule “{first.name}”")
        assert ("declared" in ruling.why) == bool(first.scope)
    else:
        assert ruling.action == ("run" if call.risk == "low" else "ask")
        assert "no rule says otherwise" in ruling.why
    assert policy.decide(call, list(some)) == ruling


HARSH = {"run": 0, "ask": 1, "refuse": 2}


@settings(max_examples=1000, deadline=None)
@given(st.lists(rules(), max_size=6), calls(), letters)
def test_no_words_of_a_model_make_a_decision_milder(
    some: list[Rule], call: Call, words: str
) -> None:
    """Than it would be if there were no rules about words."""
    others = [rule for rule in some if not rule.scope]
    said = replace(call, scope=words)
    least = HARSH[policy.decide(call, others).action]
    assert HARSH[policy.decide(said, some).action] >= least


@settings(max_examples=1000, deadline=None)
@given(letters, letters)
def test_a_pattern_means_what_is_documented_and_nothing_else(
    pattern: str, text: str
) -> None:
    rule = Rule(name="r", action="refuse", target=pattern)
    call = Call(tool="t", target=text, risk="low")
    is_refused = policy.decide(call, [rule]).action == "refuse"
    assert is_refused == (pattern == "" or means(pattern, text))


@pytest.mark.parametrize(
    "target", ["src/[id]/page.ts", "src/[!a]/x", "a[", "[", "[[]", "[a-z]"]
)
def test_brackets_in_a_path_are_brackets(target: str) -> None:
    rule = Rule(name="r", action="refuse", target=target)
    assert policy.decide(Call(tool="t", target=target, risk="low"), [rule]).action == (
        "refuse"
    )
    other = Call(tool="t", target="src/i/page.ts", risk="low")
    assert policy.decide(other, [rule]).action == "run"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("pattern", "letter"),
    [
        ("*a" * 150, "a"),
        ("*?" * 150, "a"),
        ("*" * 300, "b"),
        ("*a?" * 100, "a"),
        ("(a+)+$" * 50, "a"),
        ("*[" * 150, "["),
        ("?*" * 149 + "b", "a"),
    ],
)
def test_no_pattern_of_an_administrator_takes_long(pattern: str, letter: str) -> None:
    tools = Rule(name="r", action="refuse", tool=pattern[:100], target=pattern)
    words = Rule(name="r", action="refuse", scope=pattern)
    for rule, length in itertools.product((tools, words), (100, 2000)):
        text = letter * length + "\n"
        call = Call(tool=letter * 100, target=text, scope=text, risk="low")
        assert policy.decide(call, [rule] * 50).action in ACTIONS


@pytest.mark.parametrize(("given_to", "called"), list(itertools.product(RISKS, RISKS)))
def test_a_standing_approval_answers_up_to_its_risk_and_overrides_no_refusal(
    given_to: str, called: str
) -> None:
    call = Call(tool="shell", target="x", risk=called)
    standing = {"shell": given_to}
    ask, refuse = (Rule(name=a, action=a) for a in ("ask", "refuse"))
    reaches = RISKS.index(called) <= RISKS.index(given_to)
    assert policy.decide(call, [ask], standing).action == ("run" if reaches else "ask")
    assert policy.decide(call, [refuse], standing).action == "refuse"
    assert policy.decide(call, [ask], {"other": "high"}).action == "ask"


@pytest.mark.django_db
def test_stored_rules_have_one_order_whoever_asks() -> None:
    for order, name in ((5, "c"), (1, "a"), (5, "d"), (1, "b"), (0, "off")):
        PolicyRule.objects.create(
            order=order, name=name, action="run", is_active=name != "off"
        )
    PolicyRule.objects.filter(name="c").update(tool="x")  # rewritten rows may move
    for _ in range(3):
        assert [rule.name for rule in policy.rules_in_force()] == ["a", "b", "c", "d"]


# -- what the model declared -------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "is_refused"),
    [
        ("Delete the old files.", True),
        ("I DELETE them", True),
        ("Read docs/delete.md\nand no more", True),
        ("Read the old files.", False),
        ("", False),
    ],
)
def test_a_scope_is_found_in_the_models_sentence_in_capitals_or_not(
    scope: str, is_refused: bool
) -> None:
    rule = Rule(name="r", action="refuse", scope="*dElete*")
    call = Call(tool="t", target="", scope=scope, risk="low")
    assert (policy.decide(call, [rule]).action == "refuse") == is_refused


def test_where_nothing_was_declared_no_rule_about_it_fits() -> None:
    """A person who has a file audited says no sentence."""
    call = Call(tool="code_audit", target="x", risk="low")
    assert policy.decide(call, [Rule(name="r", action="refuse", scope="*")]).rule == ""


def test_a_rule_with_a_scope_that_would_run_fits_nothing() -> None:
    call = Call(tool="t", target="x", scope="Look.", risk="high")
    for scope in ("*", "Look.", "look*"):
        ruling = policy.decide(call, [Rule(name="r", action="run", scope=scope)])
        assert (ruling.action, ruling.rule) == ("ask", "")


def test_a_model_does_not_talk_its_way_from_a_refusal_to_a_question() -> None:
    ask = Rule(name="words", action="ask", scope="*docs*")
    refuse = Rule(name="never", action="refuse", tool="shell")
    run = Rule(name="free", action="run")
    call = Call(tool="shell", target="x", scope="Only the docs.", risk="low")
    standing = {"shell": "high"}
    assert policy.decide(call, [ask, refuse], standing).rule == "never"
    assert policy.decide(call, [ask, run, refuse]).rule == "words"
    assert policy.decide(call, [ask]).action == "ask"
    assert policy.decide(call, [ask], standing).action == "run"


@pytest.mark.django_db
def test_no_rule_with_a_scope_that_runs_is_stored() -> None:
    fields = {"name": "r", "scope": "*", "action": "run"}
    with pytest.raises(ValidationError, match="the model's own words") as refused:
        PolicyRule(**fields).full_clean()
    assert list(refused.value.message_dict) == ["scope"]
    for action in ("ask", "refuse"):
        PolicyRule(**fields | {"action": action}).full_clean()
    with pytest.raises(IntegrityError):
        PolicyRule.objects.create(**fields)
