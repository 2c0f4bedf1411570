"""A question becomes a stored answer, whatever happens on the way."""

from __future__ import annotations

import threading
import uuid
from itertools import pairwise

import pytest

from providers import catalogue
from providers.errors import CredentialRejected, ModelNotFound
from providers.events import (
    ErrorInfo,
    Finished,
    ReasoningDelta,
    StreamError,
    TextDelta,
    ToolCallReady,
    Usage,
)
from sessions_app.errors import Invalid, NotFound
from sessions_app.models import Conversation, Message, Run, RunBatch
from sessions_app.runs import service
from sessions_app.runs.asking import title_from
from tests.sessions_app.factories import make_credential, make_user
from tests.sessions_app.factories_runs import (
    Script,
    ask,
    make_conversation,
    wait_for_runs,
    wait_until,
)


def finished(started: service.Started) -> Run:
    wait_for_runs()
    return Run.objects.select_related("answer", "conversation").get(pk=started.run.pk)


def test_the_answer_is_stored_with_its_end_and_its_usage(script: Script) -> None:
    run = finished(ask_with(script.say("one ", "two ", "three")))
    assert run.status == Run.Status.DONE
    assert run.answer.text == "one two three"
    assert run.answer.parts == [{"type": "text", "text": "one two three"}]
    assert run.stop_reason == "stop"
    assert run.usage["output_tokens"] == 3
    assert run.first_event_at is not None and run.finished_at is not None
    assert run.answer.origin == {
        "provider": "openai",
        "model": "model-1",
        "session_id": run.credential_name,
    }


@pytest.mark.parametrize(
    "end",
    [
        Finished(stop_reason="cancelled"),
        StreamError(error=ErrorInfo(kind="StreamCut", message="cut")),
    ],
)
def test_what_a_broken_answer_cost_is_estimated_and_marked(script: Script, end) -> None:
    """Some vendors count one token when they begin, and the rest when they end."""
    begun = Usage(input_tokens=1_000_000, output_tokens=1)
    script.batches = [[begun, TextDelta(text="x" * 4_000)], [end]]
    run = finished(ask(model="gpt-5.4"))
    assert (run.usage["output_tokens"], run.usage["is_estimate"]) == (1000, True)
    whole = Usage(input_tokens=1_000_000, output_tokens=1000)
    assert run.cost_usd == catalogue.cost("openai", "gpt-5.4", whole)[0]


def test_what_a_whole_answer_cost_is_no_estimate(script: Script) -> None:
    told = Usage(input_tokens=9, output_tokens=1)
    end = Finished(stop_reason="stop")
    script.batches = [[TextDelta(text="x" * 4_000), told, end]]
    run = finished(ask_with(script))
    assert run.usage["output_tokens"] == 1 and "is_estimate" not in run.usage


def ask_with(script: Script) -> service.Started:
    return ask()


def test_the_log_holds_every_event_once_and_in_order(script: Script) -> None:
    words = [f"{n} " for n in range(200)]
    run = finished(ask_with(script.say(*words, pace_s=0.002)))
    rows = list(RunBatch.objects.filter(run=run))
    assert rows[0].first_seq == 1
    assert rows[-1].last_seq == run.seq == 203
    for before, after in pairwise(rows):
        assert after.first_seq == before.last_seq + 1
    assert run.answer.text == "".join(words)
    assert len(rows) < 20, "one row a tick, not one a batch"


def test_a_new_conversation_is_named_by_the_first_words(script: Script) -> None:
    script.say("ok")
    started = ask(text="Explain the tides\n\nplease")
    assert started.conversation.title == "Explain the tides please"
    assert finished(started).conversation.title == "Explain the tides please"


def test_a_long_title_is_cut_at_a_word() -> None:
    title = title_from("word " * 40)
    assert len(title) <= 62
    assert title.endswith("word …")


def test_reasoning_and_tool_calls_are_kept_as_parts(script: Script) -> None:
    script.batches = [
        [ReasoningDelta(text="hm", part=0), TextDelta(text="Let me look.", part=1)],
        [
            ToolCallReady(part=2, call_id="c1", name="look", arguments={"at": "sky"}),
            Finished(stop_reason="tool_use"),
        ],
    ]
    run = finished(ask_with(script))
    assert [part["type"] for part in run.answer.parts] == [
        "reasoning",
        "text",
        "tool_call",
    ]
    assert run.answer.parts[2]["arguments"] == {"at": "sky"}


def test_a_refused_request_fails_with_the_error_and_keeps_the_question(
    script: Script,
) -> None:
    script.refuse = ModelNotFound("No such model. Pick another.", status=404)
    started = ask_with(script)
    run = finished(started)
    assert run.status == Run.Status.FAILED
    assert run.error["kind"] == "ModelNotFound"
    assert run.cause == "No such model. Pick another."
    assert Message.objects.get(pk=started.question.pk).text == "Why is the sky blue?"


def test_a_key_the_vendor_refuses_is_marked(script: Script) -> None:
    script.refuse = CredentialRejected("The key was refused.", status=401)
    user = make_user()
    credential = make_credential(owner=user)
    finished(ask(user, credential_id=credential.pk))
    credential.refresh_from_db()
    assert credential.state == "rejected"
    assert "refused" in credential.cause


def test_an_error_in_the_stream_keeps_the_text(script: Script) -> None:
    error = ErrorInfo(kind="Overloaded", message="The vendor is overloaded.")
    script.batches = [[TextDelta(text="half an ans")], [StreamError(error=error)]]
    run = finished(ask_with(script))
    assert run.status == Run.Status.FAILED
    assert run.answer.text == "half an ans"
    assert run.error["kind"] == "Overloaded"


def test_a_bug_on_our_side_ends_the_run_and_keeps_the_text(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.batches = [[TextDelta(text="kept")], [object()]]  # type: ignore[list-item]
    run = finished(ask_with(script))
    assert run.status == Run.Status.FAILED
    assert run.error["kind"] == "InternalError"
    assert run.answer.text == "kept"


def test_a_deleted_credential_fails_with_a_word(script: Script) -> None:
    user = make_user()
    credential = make_credential(owner=user)
    script.gate = threading.Event()
    script.say("first")
    first = ask(user, credential_id=credential.pk)
    second = ask(
        user, credential_id=credential.pk, conversation_id=first.conversation.pk
    )
    wait_until(lambda: script.requests)
    credential.delete()
    script.gate.set()
    run = finished(second)
    assert run.error["kind"] == "CredentialNotFound"
    assert "Pick another" in run.cause


def test_a_second_message_waits_for_its_turn_and_sees_the_first_answer(
    script: Script,
) -> None:
    user = make_user()
    script.gate = threading.Event()
    script.say("the first answer")
    first = ask(user, text="one")
    wait_until(lambda: script.requests)
    second = ask(user, text="two", conversation_id=first.conversation.pk)
    third = ask(user, text="three", conversation_id=first.conversation.pk)
    assert Run.objects.get(pk=second.run.pk).status == Run.Status.QUEUED
    script.gate.set()
    assert finished(third).status == Run.Status.DONE
    sent = [
        [part.text for message in request["messages"] for part in message.parts]
        for request in script.requests
    ]
    assert sent[1] == ["one", "the first answer", "two"]
    assert sent[2][-2:] == ["the first answer", "three"]


def test_the_same_client_message_id_is_the_same_question(script: Script) -> None:
    script.say("ok")
    user = make_user()
    first = ask(user, client_message_id="abc")
    again = ask(user, client_message_id="abc")
    in_it = ask(user, client_message_id="abc", conversation_id=first.conversation.pk)
    assert (first.again, again.again, in_it.again) == (False, True, True)
    assert first.run.pk == again.run.pk == in_it.run.pk
    wait_for_runs()
    assert len(script.requests) == 1
    assert Message.objects.filter(role="user").count() == 1


def test_two_requests_that_race_make_one_question(script: Script) -> None:
    script.say("ok")
    user = make_user()
    credential = make_credential(owner=user)
    found: list[service.Started] = []

    def send() -> None:
        found.append(ask(user, client_message_id="race", credential_id=credential.pk))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for_runs()
    assert len({started.run.pk for started in found}) == 1
    assert Conversation.objects.filter(owner=user).count() == 1
    assert len(script.requests) == 1


def test_somebody_else_may_use_the_same_client_message_id(script: Script) -> None:
    script.say("ok")
    mine, theirs = ask(client_message_id="abc"), ask(client_message_id="abc")
    assert mine.run.pk != theirs.run.pk


def test_regenerate_puts_another_answer_beside_the_first(script: Script) -> None:
    script.say("ok")
    user = make_user()
    first = ask(user)
    finished(first)
    second = service.regenerate(
        user=user, message_id=first.answer.pk, client_message_id="again"
    )
    repeat = service.regenerate(
        user=user, message_id=first.answer.pk, client_message_id="again"
    )
    run = finished(second)
    assert repeat.again and repeat.run.pk == second.run.pk
    assert second.answer.parent_id == first.answer.parent_id
    assert run.conversation.leaf_id == second.answer.pk
    assert len(script.requests[1]["messages"]) == 1


def test_edit_begins_a_branch_beside_the_old_question(script: Script) -> None:
    script.say("ok")
    user = make_user()
    first = ask(user, text="old")
    finished(first)
    second = service.edit(
        user=user,
        message_id=first.question.pk,
        text="new",
        client_message_id="edited",
    )
    finished(second)
    assert second.question.parent_id is None
    assert second.question.conversation_id == first.conversation.pk
    assert Message.objects.get(pk=first.question.pk).text == "old"
    assert script.requests[1]["messages"][0].parts[0].text == "new"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"text": "   "}, "Type a question"),
        ({"text": "x" * 400_001}, "too long"),
        ({"client_message_id": ""}, "client_message_id"),
        ({"client_message_id": "ü" * 3}, "client_message_id"),
        ({"model": "a\nb"}, "name of a model"),
        ({"options": {"reasoning_effort": "wild"}}, "reasoning_effort"),
    ],
)
def test_it_refuses_what_cannot_be_asked_and_stores_nothing(
    fields: dict[str, object], word: str
) -> None:
    with pytest.raises(Invalid, match=word):
        ask(**fields)
    assert not Message.objects.exists()
    assert not Conversation.objects.exists()


@pytest.mark.django_db
def test_without_a_credential_it_says_where_to_add_one() -> None:
    with pytest.raises(Invalid, match="Add an API key"):
        ask(credential_id=None)


@pytest.mark.django_db
def test_charlie_cannot_touch_what_is_alices(
    django_capture_on_commit_callbacks: object,
) -> None:
    alice, charlie = make_user("alice"), make_user("charlie")
    conversation = make_conversation(alice)
    started = ask(alice, conversation_id=conversation.pk)
    own = make_credential(owner=charlie).pk
    tries = [
        lambda: ask(charlie, conversation_id=conversation.pk),
        lambda: ask(charlie, credential_id=started.run.credential_id),
        lambda: service.stop_run(user=charlie, run_id=started.run.pk),
        lambda: service.regenerate(
            user=charlie,
            message_id=started.answer.pk,
            client_message_id="x",
            credential_id=own,
        ),
        lambda: service.edit(
            user=charlie,
            message_id=started.question.pk,
            text="mine",
            client_message_id="x",
        ),
        lambda: ask(charlie, conversation_id=uuid.uuid4()),
    ]
    for attempt in tries:
        with pytest.raises(NotFound):
            attempt()
    assert Message.objects.filter(conversation__owner=charlie).count() == 0


@pytest.mark.django_db
def test_a_parent_of_another_conversation_is_not_found() -> None:
    alice = make_user()
    elsewhere = ask(alice)
    with pytest.raises(NotFound):
        ask(
            alice,
            conversation_id=make_conversation(alice).pk,
            parent_id=elsewhere.answer.pk,
        )
