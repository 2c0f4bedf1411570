"""Conversations that several people see: who may do what, and with whom one is shared.

    read         follow answers as they arrive, see the context, export
    take part    ask (with a credential of one's own), edit, regenerate, change the context
    own          rename, archive, delete, share

The rule itself is `models.conversation.reach`. Here are its refusals in words, and the
shares. Somebody who may not even read gets "not found", as for what is not there.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, Q, QuerySet

from sessions_app.errors import Invalid, NotAllowed, NotFound
from sessions_app.models import Conversation, ConversationShare, Run, Verb
from sessions_app.person import Person
from sessions_app.services.teams import teams_of

_REFUSED = {
    Verb.READ: "You can no longer see this conversation.",
    Verb.TAKE_PART: "You may read this conversation, but not take part in it. Ask its "
    "owner.",
    Verb.OWN: "Only the owner of this conversation may do that.",
}
MAX_SHARES = 100


def may(user: Person, verb: Verb, conversation: Conversation) -> bool:
    """Whether this person may do this with it now. The owner's costs no query."""
    if conversation.owner_id == user.pk:
        return True
    rows = Conversation.objects.allowed(user, verb)
    return rows.filter(pk=conversation.pk).exists()


def check(user: Person, verb: Verb, conversation: Conversation) -> None:
    """The same, of a conversation they were shown. Raises NotAllowed."""
    if not may(user, verb, conversation):
        raise NotAllowed(_REFUSED[verb])


def still_asking(person_id: int | None, conversation_id: UUID) -> User:
    """Who asked, for whom work goes on without them: as they are now, in one query.

    Answers wait for minutes, and for days where a person has to decide; meanwhile an
    account is closed, a team left, a share taken back. Asked right before whatever has an
    effect: a request to a vendor, a tool call. Raises NotAllowed, in words for everybody.
    """
    if person_id is None:
        raise NotAllowed("The person who asked is gone.")
    person = User.objects.filter(pk=person_id)
    here = Conversation.objects.allowed(person_id, Verb.TAKE_PART)
    found = person.filter(
        Exists(here.filter(pk=conversation_id)), is_active=True
    ).first()
    if found is None:
        is_out = not person.filter(is_active=True).exists()
        raise NotAllowed(
            "The account of the person who asked is closed."
            if is_out
            else "The person who asked no longer takes part in this conversation."
        )
    return found


def visible_among(user: Person, keys: Collection[UUID]) -> list[UUID]:
    """Those of these conversations that this person may still see."""
    rows = Conversation.objects.visible_to(user).filter(pk__in=keys)
    return list(rows.values_list("pk", flat=True))


def access_of(user: Person, conversation: Conversation) -> Verb:
    """The most that this person may do with a conversation they may see."""
    if conversation.owner_id == user.pk:
        return Verb.OWN
    return Verb.TAKE_PART if may(user, Verb.TAKE_PART, conversation) else Verb.READ


def check_control(user: Person, run: Run) -> None:
    """Stop it, decide about its tools: who asked, or the owner.

    Raises NotAllowed.
    """
    if user.pk not in (run.started_by_id, run.conversation.owner_id):
        raise NotAllowed("Only who asked for this answer, or the owner, may do that.")


def check_asked(user: Person, run: Run) -> None:
    """Go on with it: only who asked, because it is done with their credential.

    Raises NotAllowed.
    """
    check(user, Verb.TAKE_PART, run.conversation)
    check_own(user, run)


def check_own(user: Person, run: Run) -> None:
    """Read its exact requests: they hold what is attached to the credential of who
    asked. Raises NotAllowed."""
    asked_by = run.started_by_id or run.conversation.owner_id
    if user.pk != asked_by:
        raise NotAllowed(
            "Only who asked for this answer may do that, because it is made with their "
            "credential. Ask a question of your own."
        )


def shares_of(*, user: Person, conversation: Conversation) -> list[ConversationShare]:
    """With whom it is shared. Raises NotAllowed."""
    check(user, Verb.OWN, conversation)
    return list(conversation.shares.select_related("team", "person"))


def teammates_of(user: Person) -> QuerySet[User]:
    """People one may share with: who is in a team with them; for staff, everybody."""
    people: QuerySet[User] = get_user_model().objects.filter(is_active=True)
    if not getattr(user, "is_staff", False):
        people = people.filter(teams__in=teams_of(user=user)).distinct()
    return people.exclude(pk=cast(int, user.pk)).order_by("username")


def share(
    *,
    user: Person,
    conversation: Conversation,
    team_id: UUID | None = None,
    person_id: int | None = None,
    may_take_part: bool = False,
) -> ConversationShare:
    """Share it with a team of one's own or with a teammate; again changes how.

    Raises NotAllowed, NotFound, Invalid.
    """
    check(user, Verb.OWN, conversation)
    whom: dict[str, Any] = {"team": None, "person": None}
    if (team_id is None) == (person_id is None):
        raise Invalid("Share with a team or with a person.", field="team_id")
    if team_id is not None:
        whom["team"] = teams_of(user=user).filter(pk=team_id).first()
    else:
        whom["person"] = teammates_of(user).filter(pk=person_id or 0).first()
    if not any(whom.values()):
        raise NotFound("There is nobody of that name to share with.")
    with transaction.atomic():
        if conversation.shares.count() >= MAX_SHARES:
            raise Invalid(f"A conversation is shared with at most {MAX_SHARES}.")
        row, _ = ConversationShare.objects.update_or_create(
            conversation=conversation, **whom, defaults={"may_take_part": may_take_part}
        )
        _mark(conversation)
    return row


def unshare(*, user: Person, conversation: Conversation, share_id: UUID) -> None:
    """Take a share back: open pages lose it within two seconds. Raises NotAllowed,
    NotFound."""
    check(user, Verb.OWN, conversation)
    with transaction.atomic():
        removed, _ = conversation.shares.filter(pk=share_id).delete()
        if not removed:
            raise NotFound("It is not shared like that.")
        _mark(conversation)


def readers_of(conversation: Conversation) -> list[int]:
    """Everybody who may see it, the owner first."""
    if not conversation.is_shared:
        return [conversation.owner_id]
    shares = ConversationShare.objects.filter(conversation=conversation)
    reached = Q(pk__in=shares.values("person"))
    reached |= Q(memberships__team__in=shares.values("team"))
    others = get_user_model().objects.filter(reached).exclude(pk=conversation.owner_id)
    keys = others.distinct().values_list("pk", flat=True)
    return [conversation.owner_id, *keys]


def share_view(row: ConversationShare) -> dict[str, Any]:
    """A share for the page."""
    return {
        "id": row.pk,
        "kind": "team" if row.team else "person",
        "name": row.team.name if row.team else str(row.person),
        "may_take_part": row.may_take_part,
    }


def _mark(conversation: Conversation) -> None:
    conversation.is_shared = conversation.shares.exists()
    conversation.save(update_fields=["is_shared"])
