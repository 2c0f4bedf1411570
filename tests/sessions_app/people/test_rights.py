"""S-03, S-08 for people and teams: the table of rights, asked for everybody and everything."""

from __future__ import annotations

import itertools

import pytest
from django.contrib.auth.models import AnonymousUser

from sessions_app.errors import NotAllowed
from sessions_app.models import Membership
from sessions_app.services.rights import (
    OF_ADMINISTRATORS,
    OF_MANAGERS,
    OF_MEMBERS,
    ON_TEAMS,
    Verb,
    check,
    may,
)
from tests.sessions_app.factories import make_superuser, make_team, make_user

pytestmark = pytest.mark.django_db

LADDER = ("nobody", "stranger", "member", "manager", "staff", "superuser")


@pytest.fixture
def cast():
    """{who: person}, and the team that some of them are in."""
    people = {
        "nobody": AnonymousUser(),
        "stranger": make_user("charlie"),
        "member": make_user("bob"),
        "manager": make_user("alice"),
        "staff": make_user("stan", is_staff=True),
        "superuser": make_superuser("sue"),
    }
    team = make_team(people["member"], manager=people["manager"])
    make_team(manager=people["stranger"])
    return people, team


def thing_of(verb, team, other):
    if verb in ON_TEAMS:
        return team
    return other if verb == Verb.CHANGE_PERSON else None


def test_whoever_stands_higher_may_what_the_lower_may_and_no_verb_is_for_nobody(cast):
    people, team = cast
    other = make_user("dora")
    for verb in Verb:
        answers = [
            may(people[who], verb, thing_of(verb, team, other)) for who in LADDER
        ]
        assert answers == sorted(answers), verb  # once it is allowed, it stays so
        assert answers[-1] and not answers[0] and not answers[1], verb


def test_each_rung_has_what_the_table_says_and_nothing_else(cast):
    people, team = cast
    other = make_user("dora")
    allowed = {
        who: {v for v in Verb if may(people[who], v, thing_of(v, team, other))}
        for who in LADDER
    }
    assert allowed["member"] == OF_MEMBERS
    assert allowed["manager"] == OF_MANAGERS
    assert allowed["staff"] == ON_TEAMS | OF_ADMINISTRATORS | {Verb.CHANGE_PERSON}
    assert allowed["superuser"] == set(Verb)


def test_to_see_a_team_never_grants_a_change_of_it(cast):
    people, team = cast
    for verb in ON_TEAMS - OF_MEMBERS:
        assert not may(people["member"], verb, team), verb
        with pytest.raises(NotAllowed):
            check(people["member"], verb, team)


def test_who_manages_one_team_is_a_stranger_to_the_next(cast):
    people, _ = cast
    other = make_team(make_user("dora"))
    for verb in ON_TEAMS:
        assert not may(people["manager"], verb, other), verb


def test_a_closed_account_may_nothing(cast):
    people, team = cast
    for who, verb in itertools.product(LADDER[1:], Verb):
        person = people[who]
        person.is_active = False
        assert not may(person, verb, thing_of(verb, team, make_user())), (who, verb)


def test_a_right_goes_with_its_row_at_once(cast):
    people, team = cast
    assert may(people["manager"], Verb.INVITE, team)
    Membership.objects.filter(user=people["manager"]).update(role="member")
    assert not may(people["manager"], Verb.INVITE, team)
    Membership.objects.filter(user=people["manager"]).delete()
    assert not may(people["manager"], Verb.SEE_TEAM, team)


def test_nobody_changes_the_account_of_whoever_may_more_or_their_own(cast):
    people, _ = cast
    staff, root = people["staff"], people["superuser"]
    assert may(staff, Verb.CHANGE_PERSON, people["manager"])
    for above in (root, make_user("other staff", is_staff=True), staff):
        assert not may(staff, Verb.CHANGE_PERSON, above)
    assert may(root, Verb.CHANGE_PERSON, staff)
    assert not may(root, Verb.CHANGE_PERSON, root)


def test_a_verb_about_a_team_or_a_person_needs_one(cast):
    people, team = cast
    for verb in ON_TEAMS:
        assert not may(people["superuser"], verb)
        assert not may(people["superuser"], verb, people["member"])
    assert not may(people["superuser"], Verb.CHANGE_PERSON, team)
