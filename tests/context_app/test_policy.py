"""Policy: the first rule that fits decides, in one order, in the words of its reason."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from context_app.models import PolicyRule
from context_app.services import policy
from context_app.services.policy import Call, Rule

RISKS = ("low", "medium", "high")
ACTIONS = ("run", "ask", "refuse")
letters = st.text(alphabet="ab*?[]!-./\n\\é", max_size=8)


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
        risk=draw(st.sampled_from(["", *RISKS])),
        person=draw(st.sampled_from([None, 1, 2])),
        team=draw(st.sampled_from([None, "red", "blue"])),
    )


@st.composite
def calls(draw: st.DrawFn) -> Call:
    return Call(
        tool=draw(st.sampled_from(["shell", "web_fetch", "current_time"])),
        target=draw(letters),
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
    first = next((rule for rule in some if fits(rule, call)), None)
    if first is not None:
        assert ruling == policy.Ruling(action=first.action, why=f"Rule “{first.name}”.")
    else:
        assert ruling.action == ("run" if call.risk == "low" else "ask")
        assert "no rule says otherwise" in ruling.why
    assert policy.decide(call, list(some)) == ruling


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
    rule = Rule(name="r", action="refuse", tool=pattern[:100], target=pattern)
    for length in (100, 2000):
        call = Call(tool=letter * 100, target=letter * length + "\n", risk="low")
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
