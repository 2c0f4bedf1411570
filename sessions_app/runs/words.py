"""What a person says while an answer is on its way, and how it reaches the model.

    steering.steer ─▶ row ─▶ live.say ─▶ the stream ends ─▶ loop ─▶ hear ─▶ next request
                                     run over meanwhile ─▶ hand_on: a question of its own,
                                                  answered or, after a while, not (unasked)

Below the executor: nothing here starts a run.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

import msgspec
from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils import timezone

from providers.errors import CredentialNotFound, ProviderError
from sessions_app.errors import NotAllowed, ServiceError
from sessions_app.models import (
    Conversation,
    Message,
    Run,
    SavedAuthentication,
    Steering,
)
from sessions_app.person import Person
from sessions_app.runs import asking, finish, notices, unasked
from sessions_app.runs.log.events import RunEvent, Steered, ToolFinished
from sessions_app.runs.log.live import LiveRun
from sessions_app.runs.log.writer import writer
from sessions_app.runs.started import Started
from sessions_app.runs.turns import in_database, writing
from sessions_app.services import sharing, usage

log = logging.getLogger(__name__)

# How long a full queue or a limit may keep words from being asked.
PATIENCE = timedelta(minutes=1)
NOT_RUN = "Not executed: the person said something first. Read it, then go on."


def hear(run: Run, live: LiveRun) -> bool:
    """Put what the person said into the answer; whether there was anything.

    In the run's thread, between two requests. Words and log are stored together: a crash
    leaves either words that wait, or words that were heard.
    """
    live.take_words()
    rows = in_database(_untaken, run.pk)
    if not rows:
        return False
    events: list[Steered | ToolFinished] = [
        ToolFinished(
            part=0, call_id=call.call_id, name=call.name, text=NOT_RUN, is_error=True
        )
        for call in live.response.open_calls()
    ]
    events += [
        Steered(part=0, text=row.text, client_message_id=row.client_message_id)
        for row in rows
    ]
    for event in events:
        placed = _placed(event, live.response.next_part)
        for logged in live.log.append([placed]):
            live.response.add_event(logged)
    keys = [row.pk for row in rows]
    in_database(writer.commit_with, live, lambda: _take(keys))
    live.heard(keys)
    return True


def hand_on(run: Run) -> list[Started]:
    """Make a question of every word that came too late for a run, or too early; those
    that are to be answered.

    Raises nothing that a full queue, a limit or a deleted credential could cause. Words
    that cannot be asked are tried again by the reaper for PATIENCE, where that may help;
    then they are a question whose answer failed, and the person sees why.
    """
    if run.status in Run.BEGUN or run.started_by is None:
        return []
    found = []
    for row in _untaken(run.pk):
        try:
            started = _ask(run, row)
        except (ServiceError, ProviderError, IntegrityError) as exc:
            if isinstance(exc, IntegrityError) and _was_asked(run, row):
                _take([row.pk])
                continue
            log.warning(
                "run.words_wait",
                extra={"run_id": str(run.pk), "error": type(exc).__name__},
            )
            continue
        if started is not None:
            notices.accepted(started, row.client_message_id)
            if started.run.is_active:
                found.append(started)
            else:
                finish.tell(started.run)
    return found


def hand_on_late(run_id: UUID) -> None:
    """The same for a run whose end was just stored; its queue goes on with them."""
    if Steering.objects.filter(run_id=run_id, taken_at=None).exists():
        hand_on(_with_all().get(pk=run_id))


def _with_all() -> QuerySet[Run]:
    return Run.objects.select_related("started_by", "conversation", "credential")


def left_over() -> list[Run]:
    """Runs that are over and have words nobody got: some of them, if they are many. By
    chance, so that those which cannot be handed on keep no others waiting."""
    waiting = Steering.objects.filter(taken_at=None).values("run")
    rows = _with_all().exclude(status__in=Run.ACTIVE).exclude(started_by=None)
    return list(rows.filter(pk__in=waiting).order_by("?")[:100])


def _ask(run: Run, row: Steering) -> Started | None:
    """None when the model has heard it meanwhile. Raises what may be over soon."""
    with writing():
        # Whoever claims the run waits for this row, or has it.
        fresh = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
        is_taken = Steering.objects.filter(pk=row.pk).exclude(taken_at=None).exists()
        if fresh.status in Run.BEGUN or is_taken:
            return None
        try:
            user = sharing.still_asking(run.started_by_id, run.conversation_id)
        except NotAllowed:
            _take([row.pk])  # their account is closed, or they take part no more
            return None
        conversation = asking.conversation_for(
            user, run.conversation_id, row.client_message_id
        )
        try:
            choice = _choice(user, conversation, run)
        except (ServiceError, ProviderError) as exc:
            if not (isinstance(exc, CredentialNotFound) or _is_late(run, row)):
                raise
            started = unasked.keep(user, conversation, run, row, exc)
        else:
            started = _asked(user, conversation, choice, run, row)
        _take([row.pk])
    return started


def _choice(user: Person, conversation: Conversation, run: Run) -> asking.Choice:
    """The credential and model of the run, if they may be asked now. Raises ServiceError,
    CredentialNotFound, LimitReached."""
    mine = SavedAuthentication.objects.visible_to(user)
    credential = (
        mine.filter(pk=run.credential_id).first() if run.credential_id else None
    )
    if credential is None:
        raise asking.without_credential(run)
    choice = asking.choose(user, conversation, credential.pk, run.model)
    asking.check_queue(conversation)
    usage.admit(user.pk, credential.pk)
    return choice


def _asked(
    user: Person,
    conversation: Conversation,
    choice: asking.Choice,
    run: Run,
    row: Steering,
) -> Started:
    question = asking.new_question(
        user, conversation, conversation.leaf, row.text, row.client_message_id
    )
    kept = {k: v for k, v in run.options.items() if k in asking.OPTIONS}
    new = asking.save_asked(user, question, choice, kept, row.client_message_id)
    return Started(
        conversation=conversation, question=question, answer=new.answer, run=new
    )


def _is_late(run: Run, row: Steering) -> bool:
    """Whether the person has waited long enough to see what became of their words."""
    since = max(row.created_at, run.finished_at or row.created_at)
    return timezone.now() - since > PATIENCE


def _was_asked(run: Run, row: Steering) -> bool:
    """Whether the same came as a question, too: sent again by a page that lost track."""
    same = Message.objects.filter(
        conversation=run.conversation_id, client_message_id=row.client_message_id
    )
    return same.filter(author=run.started_by_id).exists()


def _untaken(run_id: UUID) -> list[Steering]:
    return list(Steering.objects.filter(run_id=run_id, taken_at=None))


def _take(keys: list[int]) -> None:
    Steering.objects.filter(pk__in=keys).update(taken_at=timezone.now())


def _placed(event: Steered | ToolFinished, part: int) -> RunEvent:
    return msgspec.structs.replace(event, part=part)
