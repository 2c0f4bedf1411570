"""Say something to an answer that is on its way. Called by doors."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError
from django.utils import timezone

from sessions_app.models import Run, Steering
from sessions_app.person import Person
from sessions_app.runs import asking, words
from sessions_app.runs.executor import executor
from sessions_app.runs.log import live
from sessions_app.runs.started import Started
from sessions_app.runs.turns import writing
from sessions_app.services import sharing


def steer(
    *, user: Person, run_id: UUID, text: str, client_message_id: str
) -> list[Started]:
    """Let the model hear this as soon as it can: what it was saying is kept, it goes on
    with the words in view. A tool that runs is not disturbed.

    Too late, or too early (it is queued): a question of its own, which is returned.
    The same `client_message_id` again changes nothing. Raises NotFound, NotAllowed,
    Invalid.
    """
    asking.check_client_id(client_message_id)
    text = asking.check_text(text)
    run = asking.run_for(user=user, run_id=run_id)
    sharing.check_asked(user, run)
    key = _store(run, text, client_message_id)
    if key is None:
        return []
    at_work = live.find(run.pk)
    if at_work is not None:
        at_work.say([key])
    run = asking.run_for(user=user, run_id=run_id)
    if run.status in Run.BEGUN:
        return []
    asked = words.hand_on(run)
    for started in asked:
        executor.submit(started.run.pk)
    return asked


def _store(run: Run, text: str, client_message_id: str) -> int | None:
    try:
        with writing():
            row = Steering.objects.create(
                run=run, text=text, client_message_id=client_message_id
            )
            Run.objects.filter(pk=run.pk).update(steered_at=timezone.now())
    except IntegrityError:
        return None
    return row.pk
