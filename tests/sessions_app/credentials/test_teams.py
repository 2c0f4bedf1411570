"""Teams, as far as sharing needs them."""

import pytest
from django.contrib.auth.models import AnonymousUser

from sessions_app.errors import Invalid, NameTaken, NotAllowed
from sessions_app.models import Team
from sessions_app.services import teams


def test_staff_makes_a_team_and_puts_people_in(staff, alice, bob):
    team = teams.create_team(user=staff, name="  Core   Team ")
    teams.add_member(user=staff, team=team, member=alice)
    teams.add_member(user=staff, team=team, member=alice)

    assert team.name == "Core Team"
    assert list(teams.teams_of(user=alice)) == [team]
    assert list(teams.teams_of(user=bob)) == []
    assert list(teams.teams_of(user=AnonymousUser())) == []
    assert team.members.count() == 2


def test_others_do_not(alice, bob, team):
    with pytest.raises(NotAllowed):
        teams.create_team(user=alice, name="Mine")
    with pytest.raises(NotAllowed):
        teams.add_member(user=bob, team=team, member=bob)


@pytest.mark.parametrize("name", ["", "  ", "x" * 81])
def test_a_name_it_cannot_use(staff, name):
    with pytest.raises(Invalid):
        teams.create_team(user=staff, name=name)
    assert not Team.objects.exists()


def test_a_name_that_is_taken(staff, team):
    with pytest.raises(NameTaken):
        teams.create_team(user=staff, name="Core")
