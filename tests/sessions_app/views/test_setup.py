"""The one-time link: for the first administrator, once, for an hour."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.utils import timezone

from maestro import log_config
from sessions_app.errors import Invalid
from sessions_app.models import InstallationFact
from sessions_app.services.people import setup
from tests.sessions_app.factories import make_superuser

pytestmark = pytest.mark.django_db

GOOD = {
    "username": "admin",
    "password": "a long enough phrase",
    "again": "a long enough phrase",
}


def test_the_link_makes_the_administrator_signs_in_and_is_used_up(client):
    token = setup.issue_setup_token()
    answer = client.post(f"/setup/{token}/", GOOD)
    assert answer.status_code == 302
    assert User.objects.get().is_superuser
    assert client.get("/api/credentials/").status_code == 200
    again = client.get(f"/setup/{token}/")
    assert again.status_code == 404
    assert b"Maestro is set up already. Sign in" in again.content


@pytest.mark.parametrize("token", ["x", "None", "null", "a" * 5000])
def test_no_other_token_opens_it(client, token):
    setup.issue_setup_token()
    assert client.post(f"/setup/{token}/", GOOD).status_code == 404
    assert not User.objects.exists()


def test_a_token_never_issued_opens_nothing(client):
    assert client.post("/setup/anything/", GOOD).status_code == 404


def test_it_is_good_for_an_hour(client):
    token = setup.issue_setup_token()
    with time_machine.travel(timezone.now() + timedelta(hours=1, seconds=1)):
        assert not setup.is_valid(token)


def test_a_link_that_opens_nothing_says_where_the_next_one_comes_from(client):
    setup.issue_setup_token()
    answer = client.get("/setup/half-a-link/")
    assert answer.status_code == 404
    assert b"start Maestro again" in answer.content


def test_the_sign_in_page_names_the_link_until_there_is_an_administrator(client):
    assert (
        b"Open the \xe2\x80\x9cSet up\xe2\x80\x9d link" in client.get("/login/").content
    )
    make_superuser()
    assert b"setup-first" not in client.get("/login/").content


def test_a_new_link_ends_the_old_one():
    first, second = setup.issue_setup_token(), setup.issue_setup_token()
    assert not setup.is_valid(first)
    assert setup.is_valid(second)


def test_there_is_none_once_there_is_an_administrator():
    make_superuser()
    assert setup.issue_setup_token() is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "short", "again": "short"},
        {"again": "something else entirely"},
        {"username": "  "},
        {"username": "no spaces allowed!"},
    ],
)
def test_a_mistake_is_said_and_the_link_stays_good(client, wrong):
    token = setup.issue_setup_token()
    with pytest.raises(Invalid):
        fields = {**GOOD, **wrong}
        setup.create_administrator(token=token, **fields)
    assert not User.objects.exists()
    assert setup.is_valid(token)


def test_a_mistake_is_shown_on_the_page_which_stays_usable(client):
    token = setup.issue_setup_token()
    answer = client.post(f"/setup/{token}/", {**GOOD, "again": "other"})
    assert answer.status_code == 400
    assert b"The two passwords differ." in answer.content
    assert b"a long enough phrase" not in answer.content
    assert client.post(f"/setup/{token}/", GOOD).status_code == 302


def test_a_link_that_another_request_has_just_used_makes_no_second_administrator(
    monkeypatch,
):
    token = setup.issue_setup_token()
    setup.create_administrator(token=token, **GOOD)
    # What a request sees that looked a moment before the other one was done.
    monkeypatch.setattr(setup, "is_valid", lambda token: True)
    with pytest.raises(setup.NotFound):
        setup.create_administrator(token=token, **{**GOOD, "username": "other"})
    assert User.objects.count() == 1


def test_the_token_is_not_stored_as_it_is():
    token = setup.issue_setup_token()
    [fact] = InstallationFact.objects.all()
    assert token not in fact.value


def test_the_token_is_in_no_log(client, caplog):
    token = setup.issue_setup_token()
    with caplog.at_level("DEBUG"):
        client.get(f"/setup/{token}/")
        client.post(f"/setup/{token}/", {**GOOD, "again": "other"})
    said = [structured(record) for record in caplog.records]
    assert any("/setup/" in line for line in said), "nothing was logged: no proof"
    assert not [line for line in said if token in line]


def structured(record):
    """The record as the product's log writes it."""
    config = log_config.dict_config("json", "INFO")["formatters"]["structured"]
    options = {key: value for key, value in config.items() if key != "()"}
    return config["()"](**options).format(record)
