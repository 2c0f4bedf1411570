"""Which limit holds, what of it is used, and what gives it back."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from maestro import usage_limits
from maestro.env import SettingError
from providers.errors import ProviderUnavailable
from providers.events import ErrorInfo, Finished, StreamError, TextDelta, Usage
from sessions_app.errors import LimitReached
from sessions_app.models import UsageCounter, UsageDay, UsageHold, UsageLimit
from sessions_app.models.usage import NANO
from sessions_app.runs import metering
from sessions_app.runs.metering import Metered
from sessions_app.services import limits, usage
from tests.sessions_app.factories import make_credential, make_team, make_user
from tests.sessions_app.usage.counting import (
    Said,
    counter,
    held,
    make_call,
    make_limit,
)

pytestmark = pytest.mark.django_db(transaction=True)


def make(call, *events):
    with Metered(Said(*events), call) as stream:
        return list(stream)


def test_the_settings_know_the_words_of_the_rules():
    assert set(usage_limits.SCOPES) == set(UsageLimit.Scope.values)
    assert set(usage_limits.METRICS) == set(UsageLimit.Metric.values)


@pytest.mark.parametrize("given", [{"person.x": "1"}, {"me.runs": "1"}, {"team.cost": "-1"}, {"person.tokens": "many"}])  # fmt: skip
def test_a_limit_that_cannot_be_read_stops_the_start(given):
    with pytest.raises(SettingError, match="MAESTRO_LIMITS"):
        usage_limits.read_limits(given)


def test_a_default_is_replaced_or_taken_away():
    assert usage_limits.read_limits({}) == {"person.runs": Decimal(50)}
    assert usage_limits.read_limits({"person.runs": "none"}) == {}
    assert usage_limits.read_limits({"team.cost": "2.5"})["team.cost"] == Decimal("2.5")


def test_a_rule_that_names_somebody_comes_before_each_and_that_before_the_setting(
    settings,
):
    alice, bob, charlie = make_user(), make_user(), make_user()
    settings.MAESTRO_LIMITS = {"person.requests": Decimal(10)}
    assert amount_for(charlie) == (10, "usual here")
    make_limit("requests", 20)
    make_limit("requests", 5, person=bob)
    assert amount_for(alice) == (20, "set for each person")
    assert amount_for(bob) == (5, "set by an administrator")


def amount_for(user):
    rules = limits.rules_for(limits.scopes_of(user.pk, None), ["requests"])
    (rule,) = rules
    return rule.amount, rule.source


def test_every_scope_must_hold_and_the_nearest_is_named():
    alice = make_user()
    team = make_team(alice, name="Blue")
    key = make_credential(owner=alice, name="shared-key")
    call = make_call(alice.pk, credential_id=key.pk)
    make_limit("requests", 5)
    make_limit("requests", 1, scope="team", team=team)
    make(call)
    with pytest.raises(LimitReached, match="The limit of the team “Blue” of 1 request"):
        make(call)
    make_limit("requests", 1, scope="credential", credential=key)
    with pytest.raises(LimitReached, match="credential “shared-key”"):
        make(call)
    make_limit("requests", 1, person=alice)
    with pytest.raises(LimitReached, match="Your limit of 1 request a day") as caught:
        make(call)
    assert caught.value.limit["used"] == caught.value.limit["amount"] == 1
    assert 0 < caught.value.retry_after_s <= 25 * 3600
    assert counter("installation").requests == 1


def test_the_members_of_a_team_share_its_limit():
    alice, bob = make_user(), make_user()
    make_limit("requests", 2, scope="team", team=make_team(alice, bob))
    make(make_call(alice.pk))
    make(make_call(bob.pk))
    for user in (alice, bob):
        with pytest.raises(LimitReached):
            make(make_call(user.pk))
    make(make_call(make_user().pk))


def test_tokens_are_reserved_before_and_counted_as_the_vendor_said():
    alice = make_user()
    make_limit("tokens", 2_150)
    with Metered(Said(), make_call(alice.pk)) as stream:
        assert held(counter("person", alice.pk))[:2] == (1, 2_100)
        with pytest.raises(LimitReached, match="2,100 tokens reserved"):
            make(make_call(alice.pk))
        list(stream)
    assert counter("person", alice.pk).tokens == 100
    assert held(counter("person", alice.pk)) == (0, 0, 0)


def test_cost_is_the_catalogues_and_nothing_for_the_demo(settings):
    settings.MAESTRO_RESERVE_OUTPUT_TOKENS = 0
    alice = make_user()
    make_limit("cost", "0.0005")
    whole = Usage(input_tokens=100, output_tokens=10)
    make(make_call(alice.pk), whole)
    row = UsageDay.objects.get()
    # $2.50 and $15 for a million tokens
    assert row.nanos == 100 * 2_500 + 10 * 15_000 and row.price_date
    with pytest.raises(LimitReached, match=r"\$0.00 a day"):
        make(make_call(alice.pk))
    make(make_call(alice.pk, is_demo=True), whole)
    assert counter("person", alice.pk).nanos == row.nanos < NANO


def test_a_model_without_a_price_is_counted_and_said_to_have_none():
    make(make_call(make_user().pk, model="unheard-of"))
    row = UsageDay.objects.get()
    assert (row.tokens, row.nanos, row.unpriced) == (100, 0, 1)


def test_what_a_vendor_refused_or_never_answered_is_given_back():
    alice = make_user()
    make_limit("requests", 1)

    class Refused(Said):
        def __enter__(self):
            raise ProviderUnavailable("no")

    with pytest.raises(ProviderUnavailable):
        make_stream(Refused(), alice)
    broken = StreamError(error=ErrorInfo(kind="Overloaded", message="busy"))
    make(make_call(alice.pk), broken)
    assert counter("person", alice.pk).requests == 0
    assert held(counter("person", alice.pk)) == (0, 0, 0)
    make(make_call(alice.pk))


def make_stream(stream, user):
    with Metered(stream, make_call(user.pk)) as entered:
        list(entered)


def counted(user, told, text="Yes.", **fields):
    """What an answer with these numbers counts: (input, output, whether estimated)."""
    make(
        make_call(user.pk, **fields),
        TextDelta(text=text),
        told,
        Finished(stop_reason="stop"),
    )
    row = UsageDay.objects.get()
    return row.input_tokens, row.output_tokens, row.estimated


SIZE = len(Said.request_body["q"]) + len('{"q":""}')


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        # What a tokenizer and a model may come to is counted as told.
        (Usage(input_tokens=SIZE, output_tokens=30_000), (SIZE, 30_000, 0)),
        # No text of this size has so many.
        (Usage(input_tokens=99_000_000, output_tokens=9), (SIZE, 9, 1)),
        (Usage(input_tokens=9, output_tokens=99_000_000), (9, 32_016, 1)),
    ],
)  # fmt: skip
def test_a_server_of_ones_own_counts_no_more_than_the_text_can_have(told, expected):
    """What it says holds for limits that its team and everybody here share."""
    alice = make_user()
    make_team(alice)
    assert counted(alice, told, is_own_server=True) == expected
    total = sum(expected[:2])
    assert {row.tokens for row in UsageCounter.objects.all()} == {total}


def test_what_a_vendor_counts_is_counted_as_it_says():
    told = Usage(input_tokens=9_000_000, output_tokens=200_000)
    assert counted(make_user(), told) == (9_000_000, 200_000, 0)


def test_parts_of_a_count_cost_no_more_than_its_whole():
    """Else cached tokens that were never read empty everybody's budget."""
    parts = Usage(input_tokens=100, output_tokens=10, cached_input_tokens=90_000_000)
    assert counted(make_user(), parts, is_own_server=True) == (100, 10, 1)
    assert UsageDay.objects.get().nanos == 100 * 2_500 + 10 * 15_000


@pytest.mark.parametrize(
    ("provider", "base_url", "is_own"),
    [
        ("openai", "", False),
        ("openai", "https://api.openai.com/v1", False),
        ("openai", "https://API.openai.com:443/other", False),
        ("openai", "http://api.openai.com/v1", True),
        ("openai", "https://api.openai.com.evil.example/v1", True),
        ("ollama", "", False),
        ("ollama", "http://10.0.0.7:11434/v1", True),
        ("custom", "https://llm.example.org/v1", True),
        ("gone", "https://api.openai.com/v1", True),
        ("openai", "nonsense", True),
    ],
)
def test_an_address_that_is_not_the_vendors_is_a_server_of_ones_own(
    provider, base_url, is_own
):
    row = make_credential(provider=provider, base_url=base_url)
    assert row.is_own_server is is_own
    assert metering.call_of(None, row, "m").is_own_server is is_own


def test_the_demo_is_ours():
    row = make_credential(base_url="http://127.0.0.1:9999/openai", is_demo=True)
    assert not row.is_own_server


def test_what_was_cut_off_is_estimated_by_what_arrived():
    alice = make_user()
    make(
        make_call(alice.pk), TextDelta(text="x" * 40), Finished(stop_reason="cancelled")
    )
    row = UsageDay.objects.get()
    assert (row.input_tokens, row.output_tokens, row.estimated) == (100, 10, 1)


@pytest.mark.parametrize(
    "end",
    [
        Finished(stop_reason="cancelled"),
        StreamError(error=ErrorInfo(kind="StreamCut", message="cut")),
    ],
)
def test_a_count_of_the_beginning_is_not_taken_for_the_whole(end):
    alice = make_user()
    begun = Usage(input_tokens=90, output_tokens=1)
    make(make_call(alice.pk), begun, TextDelta(text="x" * 40), end)
    row = UsageDay.objects.get()
    assert (row.input_tokens, row.output_tokens, row.estimated) == (90, 10, 1)


def test_a_request_that_was_never_sent_costs_nothing():
    alice = make_user()
    make_limit("requests", 1)

    class Unasked(Said):
        was_asked = False

    make_stream(Unasked(Finished(stop_reason="cancelled")), alice)
    assert not UsageDay.objects.exists()
    assert held(counter("person", alice.pk)) == (0, 0, 0)


def test_a_process_that_died_gives_its_reservation_back():
    alice = make_user()
    make_limit("requests", 1)
    usage.hold(make_call(alice.pk))
    UsageHold.objects.update(worker="elsewhere:1:1")
    assert metering.release_abandoned() == 0  # it may live: another machine's
    UsageHold.objects.update(created_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert metering.release_abandoned() == 1
    assert held(counter("person", alice.pk)) == (0, 0, 0)
    make(make_call(alice.pk))


def test_a_call_that_begins_while_the_reaper_looks_keeps_its_reservation(monkeypatch):
    alice = make_user()
    make_limit("requests", 1)
    release = usage.release_abandoned
    with contextlib.ExitStack() as calls:

        def meanwhile(*at_work):
            calls.enter_context(Metered(Said(), make_call(alice.pk)))
            return release(*at_work)

        monkeypatch.setattr(metering.usage, "release_abandoned", meanwhile)
        assert metering.release_abandoned() == 0
        assert held(counter("person", alice.pk))[0] == 1


def test_what_somebody_used_who_is_deleted_meanwhile_is_counted_and_holds_up_nobody():
    alice, bob = make_user("alice"), make_user("bob")
    make_limit("requests", 9, scope="installation")
    make(make_call(alice.pk))
    with Metered(Said(), make_call(alice.pk)) as stream:
        list(stream)
        alice.delete()
    make(make_call(bob.pk, person_name="bob"))
    assert metering.settle_late() == 0
    everybody = counter("installation")
    assert (everybody.requests, *held(everybody)) == (3, 0, 0, 0)
    rows = UsageDay.objects.values_list("person_name", "person", "requests")
    assert set(rows) == {("alice", None, 2), ("bob", bob.pk, 1)}


def test_a_call_that_outlives_its_reservation_is_counted_once():
    alice = make_user()
    make_limit("requests", 9)
    with Metered(Said(), make_call(alice.pk)) as stream:
        assert metering.release_abandoned() == 0  # it is ours, and at work
        assert usage.release_abandoned(lambda hold_id: False) == 1
        list(stream)
    row = counter("person", alice.pk)
    assert (row.requests, *held(row)) == (1, 0, 0, 0)


def test_a_new_day_begins_in_the_stated_zone_and_frees_what_was_used(
    settings, monkeypatch
):
    settings.MAESTRO_USAGE_TIME_ZONE = ZoneInfo("Asia/Tokyo")
    alice = make_user()
    make_limit("requests", 1)
    # 23:30 in Tokyo on the 1st
    at(monkeypatch, datetime(2026, 12, 1, 14, 30, tzinfo=UTC))
    with Metered(Said(), make_call(alice.pk)) as stream:
        with pytest.raises(LimitReached, match="begins anew at 00:00 JST, in 30 min"):
            make(make_call(alice.pk))
        at(monkeypatch, datetime(2026, 12, 1, 15, 0, tzinfo=UTC))
        make(make_call(alice.pk))
        list(stream)
    days = UsageCounter.objects.filter(scope="person").order_by("day")
    assert [(row.day, row.requests, row.held_requests) for row in days] == [
        (date(2026, 12, 1), 1, 0),  # where it began
        (date(2026, 12, 2), 1, 0),
    ]


def at(monkeypatch, moment):
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


@pytest.mark.parametrize("tokens", [-(10**12), 10**14])
def test_a_vendor_that_counts_nonsense_gives_nobody_room_and_breaks_nothing(tokens):
    alice = make_user()
    make_limit("tokens", 10**6, scope="installation")
    lie = Usage(input_tokens=tokens, output_tokens=tokens)
    for _ in range(2):
        make(
            make_call(alice.pk),
            TextDelta(text="x" * 40),
            lie,
            Finished(stop_reason="stop"),
        )
    row = counter("installation")
    assert (row.tokens, row.held_tokens) == (220, 0)  # what was sent and what arrived
    assert row.nanos > 0
    assert UsageDay.objects.get().estimated == 2


def test_old_days_are_forgotten_when_the_setting_says(settings):
    make(make_call(make_user().pk))
    assert usage.prune() == 0
    assert usage.prune(-1) >= 2
    assert not UsageDay.objects.exists() and not UsageCounter.objects.exists()


def test_a_rule_names_only_what_its_scope_is_about():
    row = UsageLimit(scope="team", metric="runs", amount=1, person=make_user())
    with pytest.raises(ValidationError, match="scope"):
        row.full_clean()
