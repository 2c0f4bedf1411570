"""NUL, which PostgreSQL neither stores nor looks for, where people type words."""

from __future__ import annotations

import pytest

from tests.sessions_app.factories import make_superuser, make_team, sign_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path",
    ["/people/?search=%00", "/api/audits/?source=%00", "/api/library/?q=%00",
     "/api/conversations/?q=%00", "/join/%00/", "/reset/a.%00/"],
)  # fmt: skip
def test_looking_for_it_is_no_error_of_the_server(client, path):
    sign_in(client, make_superuser())
    assert client.get(path).status_code < 500


def test_nobody_of_such_a_name_is_put_into_a_team(client):
    root = make_superuser()
    team = make_team(root)
    sign_in(client, root)
    reply = client.post(f"/teams/{team.pk}/members/", {"username": "\x00"})
    assert reply.status_code == 302
    assert team.memberships.count() == 1
