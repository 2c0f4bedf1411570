"""Teams, as far as sharing needs them. Who makes them is tested with the admin."""

import pytest
from django.contrib.auth.models import AnonymousUser

from sessions_app.services import teams
from tests.sessions_app.factories import make_team

pytestmark = pytest.mark.django_db


def test_a_person_may_share_with_the_teams_they_are_in(alice, bob):
    core = make_team(alice, bob, name="Core")
    docs = make_team(alice, name="Docs")
    make_team(name="Nobody's")

    assert list(teams.teams_of(user=alice)) == [core, docs]
    assert list(teams.teams_of(user=bob)) == [core]
    assert list(teams.teams_of(user=AnonymousUser())) == []
