"""What must follow a change of a person, whoever makes it: a page, the admin, a command.

Django's `User` is not ours, so its signals are listened to; and the admin deletes rows of
its own. What is told to pages is told after the commit.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.signals import post_delete, post_save

from sessions_app import sign_out_news
from sessions_app.models import Membership, SignedInBrowser
from sessions_app.runs import closing
from sessions_app.services import teams


def connect() -> None:
    """Once, at the start."""
    post_save.connect(_saved, sender=User, dispatch_uid="maestro.person_saved")
    post_delete.connect(
        _signed_out, sender=SignedInBrowser, dispatch_uid="maestro.signed_out"
    )
    post_delete.connect(_left, sender=Membership, dispatch_uid="maestro.left_a_team")


def _saved(
    instance: User, created: bool, update_fields: Collection[str] | None, **_: Any
) -> None:
    if created or (update_fields and set(update_fields) == {"last_login"}):
        return
    if instance.is_active:
        transaction.on_commit(partial(sign_out_news.look_again, instance.pk))
    else:
        transaction.on_commit(partial(closing.end_everything, instance.pk))


def _left(instance: Membership, **_: Any) -> None:
    teams.take_along(team_id=instance.team_id, person_id=instance.user_id)


def _signed_out(instance: SignedInBrowser, **_: Any) -> None:
    """Its session is gone: signed out, ended by somebody, or too old."""
    transaction.on_commit(partial(sign_out_news.look_again, instance.user_id))
