"""Start, repeat, change and stop: what doors ask of runs.

Called by the consumer and by `manage.py chat`. Everything is stored in one transaction
before a vendor hears of it: the question, an empty answer and the queued run; a thread
takes over after the commit. The same `client_message_id` again is the same question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from context_app.services import intents
from sessions_app.errors import Invalid
from sessions_app.models import Message, Run, RunAttempt
from sessions_app.person import Person
from sessions_app.runs import asking, claims, notices, words
from sessions_app.runs.executor import executor
from sessions_app.runs.finish import end_dead
from sessions_app.runs.log import live
from sessions_app.runs.started import Started
from sessions_app.runs.turns import writing
from sessions_app.services import sharing, usage

Status = Run.Status

# A question, perhaps not saved yet, and who is to answer it.
Asking: TypeAlias = tuple[Message, asking.Choice]


def start_run(
    *,
    user: Person,
    text: str,
    client_message_id: str,
    conversation_id: UUID | None = None,
    parent_id: UUID | None = None,
    credential_id: UUID | None = None,
    model: str | None = None,
    options: dict[str, Any] | None = None,
) -> Started:
    """Store a question and queue its answer; returns at once.

    No conversation: a new one. No parent: under the branch that is shown. Credential and
    model default to the conversation's last, then to the person's default. Raises
    NotFound, Invalid, LimitReached.
    """
    asking.check_client_id(client_message_id)
    text = asking.check_text(text)
    known = _known(user, client_message_id)
    if known is not None:
        return known

    def prepare() -> Asking:
        conversation = asking.conversation_for(user, conversation_id, client_message_id)
        parent = asking.parent_for(conversation, parent_id)
        choice = asking.choose(user, conversation, credential_id, model)
        asking.check_queue(conversation)
        question = asking.new_question(
            user, conversation, parent, text, client_message_id
        )
        return question, choice

    if conversation_id is None:  # nothing to lock: all reading comes before the writing
        prepared = prepare()
        return _store(user, client_message_id, options, lambda: prepared)
    return _store(user, client_message_id, options, prepare)


def regenerate(
    *,
    user: Person,
    message_id: UUID,
    client_message_id: str,
    credential_id: UUID | None = None,
    model: str | None = None,
    options: dict[str, Any] | None = None,
) -> Started:
    """Another answer beside this one (or to this question). Raises NotFound, Invalid."""
    asking.check_client_id(client_message_id)
    known = _known(user, client_message_id)
    if known is not None:
        return known

    def prepare() -> Asking:
        question = asking.question_of(asking.message_for(user, message_id))
        choice = asking.choose(user, question.conversation, credential_id, model)
        asking.check_queue(question.conversation)
        return question, choice

    return _store(user, client_message_id, options, prepare)


def edit(
    *,
    user: Person,
    message_id: UUID,
    text: str,
    client_message_id: str,
    credential_id: UUID | None = None,
    model: str | None = None,
    options: dict[str, Any] | None = None,
) -> Started:
    """The question put differently: a branch beside the old one. NotFound, Invalid."""
    asking.check_client_id(client_message_id)
    text = asking.check_text(text)
    known = _known(user, client_message_id)
    if known is not None:
        return known

    def prepare() -> Asking:
        old = asking.question_of(asking.message_for(user, message_id))
        conversation = old.conversation
        choice = asking.choose(user, conversation, credential_id, model)
        asking.check_queue(conversation)
        question = asking.new_question(
            user, conversation, old.parent, text, client_message_id
        )
        return question, choice

    return _store(user, client_message_id, options, prepare)


def stop_run(*, user: Person, run_id: UUID) -> Run:
    """End a run, whoever works on it; what has arrived is kept. Raises NotFound,
    NotAllowed.

    A run that is over stays as it is. Returns at once; the end itself follows as a
    `run` frame.
    """
    run = asking.run_for(user=user, run_id=run_id)
    sharing.check_control(user, run)
    rested = _stop(run, _BY_THE_PERSON)
    run = asking.run_for(user=user, run_id=run_id)
    if rested:
        notices.run_changed(run)
        words.hand_on(run)
        waiting = claims.next_queued(run.conversation_id)
        if waiting is not None:
            executor.submit(waiting)
    return run


def stop_all_of(user_id: int, cause: str) -> int:
    """End everything that was asked for by somebody, and begin nothing. How many."""
    rows = Run.objects.filter(started_by=user_id).active()
    found = list(
        rows.select_related("answer", "question", "conversation", "credential")
    )
    causes = dict.fromkeys(_BY_THE_PERSON, cause)
    # What waits first: else the end of one would begin the next.
    for run in sorted(found, key=lambda run: run.status != Status.QUEUED):
        if _stop(run, causes):
            run.refresh_from_db()
            notices.run_changed(run)
    return len(found)


_BY_THE_PERSON = {
    Status.QUEUED: "You stopped it before it began.",
    Status.WAITING: "You stopped it.",
    Status.RUNNING: "You stopped it.",
}


def _stop(run: Run, causes: dict[Status, str]) -> bool:
    """End it, whatever it does. Whether nobody was at work on it, so that it is over."""
    if _stop_resting(run, causes):
        return True
    _stop_running(run, causes[Status.RUNNING])
    return _stop_resting(run, causes)  # it came to rest in between, perhaps


def _stop_resting(run: Run, causes: dict[Status, str]) -> bool:
    """End a run that is queued or waits for a decision: nobody is at work on it.

    The row is held: a decision at the same moment comes before it, or after.
    """
    now = timezone.now()
    with writing():
        held = Run.objects.select_for_update().filter(pk=run.pk)
        status = held.values_list("status", flat=True).first()
        if status not in (Status.QUEUED, Status.WAITING):
            return False
        Run.objects.filter(pk=run.pk).update(
            status=Status.STOPPED,
            cause=causes[Status(status)],
            stop_requested_at=now,
            finished_at=now,
        )
        intents.give_up(run.pk, "The person stopped the answer.")
    return True


def _stop_running(run: Run, cause: str) -> None:
    """Reach the thread at once if it is here; elsewhere its writer reads the row."""
    at_work = live.find(run.pk)
    if at_work is not None:
        at_work.stop(cause)
    Run.objects.filter(
        pk=run.pk, status__in=Run.AT_WORK, stop_requested_at=None
    ).update(stop_requested_at=timezone.now())
    if at_work is None:
        fresh = Run.objects.get(pk=run.pk)
        if fresh.status in Run.AT_WORK and claims.is_abandoned(fresh):
            end_dead(fresh)


def attempts_of(*, user: Person, run_id: UUID) -> list[RunAttempt]:
    """The failed requests of one run, in order. Raises NotFound."""
    return list(asking.run_for(user=user, run_id=run_id).attempts.all())


def _store(
    user: Person,
    client_message_id: str,
    options: dict[str, Any] | None,
    prepare: Callable[[], Asking],
) -> Started:
    """Everything in one transaction; a resend that came at the same time is the same."""
    checked = asking.check_options(options)
    try:
        with writing():
            question, choice = prepare()
            usage.admit(user.pk, choice.credential.pk)
            is_first = question.conversation._state.adding
            run = asking.save_asked(user, question, choice, checked, client_message_id)
            transaction.on_commit(lambda: executor.submit(run.pk))
    except IntegrityError:
        known = _known(user, client_message_id)
        if known is None:
            raise Invalid(
                "Somebody else used this client_message_id here. Choose another one.",
                field="client_message_id",
            ) from None
        return known
    started = Started(
        conversation=question.conversation,
        question=question,
        answer=run.answer,
        run=run,
    )
    frame = notices.accepted(started, client_message_id, is_first=is_first)
    return replace(started, frame=frame)


def _known(user: Person, client_message_id: str) -> Started | None:
    """What this person stored for this id before. The id sits on the question, or, for
    another answer to an old question, on the answer."""
    message = (
        Message.objects.visible_to(user)
        .filter(Q(author=user) | Q(run__started_by=user))
        .filter(client_message_id=client_message_id)
        .select_related("conversation")
        .first()
    )
    if message is None:
        return None
    runs = Run.objects.select_related("answer", "question", "credential")
    if message.role == Message.Role.ASSISTANT:
        run = runs.get(answer=message)
    else:
        run = runs.filter(question=message).earliest("created_at")
    started = Started(
        conversation=message.conversation,
        question=run.question,
        answer=run.answer,
        run=run,
        again=True,
    )
    return replace(started, frame=notices.accepted_frame(started, client_message_id))
