"""The record of tool calls: no row of it is changed, removed, moved or added unseen."""

from __future__ import annotations

import os

from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest import MonkeyPatch

from context_app.models import ChainHead, IntentEvent, ToolIntent
from context_app.services import chain, chain_check
from tests.context_app import records
from tests.context_app.records import undone
from tests.sessions_app.factories import make_intent, make_user
from tests.sessions_app.factories_runs import make_run

INTENTS = records.INTENTS
EVENTS = records.EVENTS

# Each example checks 10,000 events, which takes a third of a second.
_again = settings(
    max_examples=200 if os.environ.get("MAESTRO_PROOF_RUNS") else 8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
numbers = st.integers(min_value=1, max_value=EVENTS)
intent_numbers = st.integers(min_value=0, max_value=INTENTS - 1)


def fault_after(statement: str, *values: object) -> chain.Fault | None:
    """What the check says once somebody with a database shell was there."""
    with undone(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount >= 1, "nothing was changed"
        return chain.verify()


def row_of(number: int) -> ToolIntent:
    return ToolIntent.objects.get(call_id=f"call_{number}")


def test_a_record_written_by_the_documentation_is_whole(record: None) -> None:
    assert IntentEvent.objects.count() == EVENTS == 10_000
    assert chain.verify() is None


EVENT = "context_app_intentevent"
INTENT = "context_app_toolintent"


@_again
@given(
    numbers,
    st.sampled_from(
        [
            ("state", "'refused'"),
            ("state", "state || ' '"),
            ("facts", """'{"state": "done"}'"""),
            ("facts", "replace(facts, 'Gr', 'gR')"),
            ("at", "'2031-03-01T09:00:00+01:00'"),
            ("previous", f"'{'e' * 64}'"),
            ("hash", f"'{'e' * 64}'"),
            ("intent_id", f"(SELECT id FROM {INTENT} WHERE call_id = 'call_x')"),
        ]
    ),
)
def test_an_altered_event_is_named(
    record: None, number: int, change: tuple[str, str]
) -> None:
    column, value = change
    with undone():
        other = records._row(0)
        other.call_id = "call_x"
        other.save()
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {EVENT} SET {column} = {value} WHERE number = %s", [number]
            )
        fault = chain.verify()
    assert fault is not None
    assert (fault.table, fault.row) == ("IntentEvent", str(number))


COLUMNS = {
    **dict.fromkeys(
        ("person_name", "call_id", "provider", "model", "tool", "target", "scope",
         "decision_why", "decided_by_name", "words", "result"), "'something else'",
    ),
    **dict.fromkeys(("run_ref", "conversation_ref"), f"'{'f' * 32}'"),
    **dict.fromkeys(("arguments_hash",), f"'{'f' * 64}'"),
    **dict.fromkeys(("declared_risk", "computed_risk"), "'high'"),
    **dict.fromkeys(
        ("created_at", "decided_at", "started_at", "finished_at"),
        "'2031-07-01 00:00:00'",
    ),
    "person_id": "7",
    "decided_by_id": "7",
    "run_id": f"'{'a' * 32}'",
    "arguments": """'{"path": "/etc/passwd"}'""",
    "step": "99",
    "purpose": "'research'",
    "state": "'failed'",
    "decision": "'run'",
}  # fmt: skip


def test_every_column_of_an_intent_is_in_the_record() -> None:
    columns = {field.column for field in ToolIntent._meta.concrete_fields}
    assert columns == {*COLUMNS, "id"}


@_again
@given(intent_numbers, st.sampled_from(sorted(COLUMNS)))
def test_an_altered_intent_is_named_with_what_was_altered(
    record: None, number: int, column: str
) -> None:
    row = row_of(number)
    with connection.constraint_checks_disabled():
        fault = fault_after(
            f"UPDATE {INTENT} SET {column} = {COLUMNS[column]} WHERE call_id = %s",
            f"call_{number}",
        )
    assert fault is not None
    assert (fault.table, fault.row) == ("ToolIntent", str(row.pk))
    assert fault.why == f"altered: {_fact_of(column)}"


def _fact_of(column: str) -> str:
    links = {"run_id": "run", "person_id": "person", "decided_by_id": "decided_by"}
    return {**links, "result": "result_hash"}.get(column, column)


@_again
@given(numbers)
def test_a_removed_event_is_named_also_the_last_one(record: None, number: int) -> None:
    for removed in (number, EVENTS):
        fault = fault_after(f"DELETE FROM {EVENT} WHERE number = %s", removed)
        assert fault is not None
        assert (fault.table, fault.row) == ("IntentEvent", str(removed))
        assert "missing" in fault.why


@_again
@given(numbers)
def test_a_record_that_was_cut_off_is_named_by_the_first_missing(
    record: None, number: int
) -> None:
    fault = fault_after(f"DELETE FROM {EVENT} WHERE number >= %s", number)
    assert fault == chain.Fault(
        "IntentEvent", str(number), "events are missing at the end"
    )


@_again
@given(numbers)
def test_cut_off_with_its_head_the_intents_still_know(
    record: None, number: int
) -> None:
    """Who also moves the noted end is found by the intents that went further."""
    noted = chain.end()
    with undone():
        IntentEvent.objects.filter(number__gte=number).delete()
        last = IntentEvent.objects.order_by("number").last()
        head = (last.number, last.hash) if last else (0, "0" * 64)
        ChainHead.objects.update(number=head[0], hash=head[1])
        fault = chain.verify()
        assert fault is not None and fault.table == "ToolIntent"
        # And with the intents gone too, only an end that was noted elsewhere knows.
        behind = ToolIntent.objects.all()
        IntentEvent.objects.all().delete()
        behind.delete()
        ChainHead.objects.update(number=0, hash="0" * 64)
        assert chain.verify() is None
        assert chain.verify(noted) is not None


@_again
@given(numbers, numbers)
def test_events_that_changed_places_are_named_by_the_first(
    record: None, one: int, other: int
) -> None:
    if one == other:
        return
    with undone():
        for place, number in ((0, one), (one, other), (other, 0)):
            IntentEvent.objects.filter(number=number).update(number=place)
        fault = chain.verify()
    assert fault is not None
    assert (fault.table, fault.row) == ("IntentEvent", str(min(one, other)))


@_again
@given(st.integers(min_value=EVENTS - 60, max_value=EVENTS))
def test_an_event_that_was_put_in_is_found_where_the_chain_no_longer_fits(
    record: None, number: int
) -> None:
    with undone():
        records.insert(number, IntentEvent.objects.get(number=number))
        fault = chain.verify()
    assert fault is not None
    assert (fault.table, fault.row) == ("IntentEvent", str(number + 1))


def test_an_event_after_the_end_and_one_before_the_beginning_are_named(
    record: None,
) -> None:
    last = IntentEvent.objects.get(number=EVENTS)
    with undone():
        content = {
            "number": EVENTS + 1,
            "intent": str(last.intent_id),
            "state": last.state,
            "facts": last.facts,
            "at": last.at,
        }
        IntentEvent.objects.create(
            **{**content, "intent": last.intent},
            previous=last.hash,
            hash=records.hash_of(last.hash, content),
        )
        fault = chain.verify()
    assert (fault.row, fault.why) == (
        str(EVENTS + 1),
        "it is beyond the noted end of the record",
    )
    fault = fault_after(f"UPDATE {EVENT} SET number = 0 WHERE number = 5000")
    assert (fault.row, fault.why) == ("0", "it was put in")


def test_intents_that_were_removed_or_added_are_named(record: None) -> None:
    row = row_of(1234)
    with connection.constraint_checks_disabled():
        fault = fault_after(f"DELETE FROM {INTENT} WHERE call_id = %s", row.call_id)
    assert fault == chain.Fault("ToolIntent", str(row.pk), "it is gone")
    with undone():
        other = records._row(0)
        other.call_id = "call_x"
        other.save()
        assert chain.verify() == chain.Fault(
            "ToolIntent", str(other.pk), "it was never recorded"
        )


def test_a_changed_head_is_named_as_that(record: None) -> None:
    fault = fault_after("UPDATE context_app_chainhead SET hash = 'x'")
    assert fault is not None and fault.table == "ChainHead"
    fault = fault_after("DELETE FROM context_app_chainhead")
    assert fault is not None and fault.table == "IntentEvent"


def test_of_several_alterations_the_first_is_named(record: None) -> None:
    with undone():
        for number in (2000, 300, 2400):
            ToolIntent.objects.filter(call_id=f"call_{number}").update(scope="x")
        assert chain.verify().row == str(row_of(300).pk)
        IntentEvent.objects.filter(number__in=[7000, 400]).update(state="refused")
        assert chain.verify().row == "400"


def test_rows_that_were_deleted_with_right_do_not_alter_the_record(db: None) -> None:
    alice = make_user()
    make_intent(make_run(alice), decided_by=alice)
    alice.delete()
    row = ToolIntent.objects.get()
    assert (row.person_id, row.decided_by_id, row.run_id) == (None, None, None)
    assert chain.verify() is None


def test_a_record_of_an_older_version_is_still_verified(db: None) -> None:
    """It knew fewer facts; what it knew still has to be true."""
    intent = make_intent(make_run(make_user()))
    event = IntentEvent.objects.get()
    for name in ("created_at", "decided_at", "started_at", "person"):
        del event.facts[name]
    event.hash = records.hash_of(
        event.previous,
        {"number": 1, "intent": str(intent.pk), "state": event.state,
         "facts": event.facts, "at": event.at},
    )  # fmt: skip
    event.save()
    ChainHead.objects.update(hash=event.hash)
    assert chain.verify() is None
    chain.append(intent)
    assert chain.verify() is None
    ToolIntent.objects.update(tool="other")
    assert chain.verify().why == "altered: tool"


def test_the_very_first_event_may_come_while_the_end_is_looked_at(
    db: None, monkeypatch: MonkeyPatch
) -> None:
    """There is no head to hold then; nobody is accused for that."""
    held = chain_check._held

    def and_then_somebody_appends() -> ChainHead | None:
        found = held()
        if found is None:
            make_intent(make_run(make_user()))
        return found

    monkeypatch.setattr(chain_check, "_held", and_then_somebody_appends)
    assert chain.verify() is None
    assert IntentEvent.objects.count() == 1
