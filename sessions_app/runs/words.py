"""What a person says while an answer is on its way, and how it reaches the model.

    steering.steer ─▶ row ─▶ live.say ─▶ the stream ends ─▶ loop ─▶ hear ─▶ next request
                                     run over meanwhile ─▶ hand_on: a question of its own

Below the executor: nothing here starts a run.
"""

from __future__ import annotations

import logging
from uuid import UUID

import msgspec
from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils import timezone

from sessions_app.errors import LimitReached, NotAllowed, ServiceError
from sessions_app.models import Message, Run, Steering
from sessions_app.runs import asking, notices
from sessions_app.runs.log.events import RunEvent, Steered, ToolFinished
from sessions_app.runs.log.live import LiveRun
from sessions_app.runs.log.writer import writer
from sessions_app.runs.started import Started
from sessions_app.runs.turns import in_database, writing
from sessions_app.services import sharing, usage

log = logging.getLogger(__name__)

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
    """Make a question of every word that came too late for a run, or too early.

    Raises nothing that a full queue or a deleted credential could cause: then the words
    stay, and the next round of the reaper tries again.
    """
    if run.status in Run.BEGUN or run.started_by is None:
        return []
    found = []
    for row in _untaken(run.pk):
        try:
            started = _ask(run, row)
            found += [started] if started else []
        except (ServiceError, LimitReached, IntegrityError) as exc:
            if isinstance(exc, IntegrityError) and _was_asked(run, row):
                _take([row.pk])
                continue
            log.warning(
                "run.words_wait",
                extra={"run_id": str(run.pk), "error": type(exc).__name__},
            )
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
    """None when the model has heard it meanwhile."""
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
        choice = asking.choose(user, conversation, run.credential_id, run.model)
        asking.check_queue(conversation)
        usage.admit(user.pk, choice.credential.pk)
        question = asking.new_question(
            user, conversation, conversation.leaf, row.text, row.client_message_id
        )
        kept = {k: v for k, v in run.options.items() if k in asking.OPTIONS}
        new = asking.save_asked(user, question, choice, kept, row.client_message_id)
        _take([row.pk])
    started = Started(
        conversation=conversation, question=question, answer=new.answer, run=new
    )
    notices.accepted(started, row.client_message_id)
    return started


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
