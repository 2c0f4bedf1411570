"""Closes an account: what its person has under way ends, wherever it is under way.

Called by the people page, and by a signal for whoever unticks "active" in the admin. An
account that was closed in yet another way (SQL) is found by the reaper's rounds.
"""

from __future__ import annotations

import logging
from contextlib import suppress

from django.contrib.auth.models import User

from sessions_app import sign_out_news
from sessions_app.errors import NotFound
from sessions_app.models import PendingLogin, Run
from sessions_app.person import Person
from sessions_app.runs.audits import auditing
from sessions_app.runs.log import live
from sessions_app.runs.service import stop_all_of
from sessions_app.services.people import browsers, directory

log = logging.getLogger(__name__)

CLOSED = live.CLOSED


def close_account(*, user: Person, person_id: int) -> User:
    """Nobody signs in with it any more. Nothing is deleted. NotFound, NotAllowed."""
    person = directory.person_to_change(user=user, person_id=person_id)
    person.is_active = False
    person.save(update_fields=["is_active"])  # the signal does the rest
    log.warning("account.closed", extra={"user_id": user.pk, "person_id": person.pk})
    return person


def end_everything(user_id: int) -> None:
    """Sessions, pages, logins at vendors, answers and audits of somebody who is out."""
    browsers.end_all(user_id=user_id)
    sign_out_news.look_again(user_id)  # also pages of sessions nobody wrote down
    waiting = PendingLogin.objects.filter(
        user=user_id, status=PendingLogin.Status.WAITING
    )
    waiting.update(status=PendingLogin.Status.CANCELLED, message=CLOSED)
    stopped = stop_all_of(user_id, CLOSED)
    with suppress(NotFound):
        auditing.stop_all_of(user_id)
    log.info("account.ended", extra={"person_id": user_id, "runs": stopped})


def end_left_over() -> int:
    """End what still goes on for people who are out already. How many people."""
    runs = Run.objects.active().filter(started_by__is_active=False)
    found = set(runs.values_list("started_by", flat=True)) | auditing.owners_closed()
    for user_id in found:
        end_everything(user_id)
    return len(found)
