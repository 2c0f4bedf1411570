"""S-14: who is deactivated is out at once, also in the middle of a login at a vendor."""

from __future__ import annotations

import dataclasses

import pytest
import requests
from django.test import Client

from providers import options
from sessions_app.errors import NotAllowed
from sessions_app.models import PendingLogin, SavedAuthentication
from sessions_app.services.logins import logging_in
from tests.sessions_app.factories import make_superuser, sign_in
from tests.sessions_app.logins.conftest import Person

pytestmark = pytest.mark.django_db(transaction=True)

ADMIN_LOGINS = "/admin/sessions_app/savedauthentication/login/"


@pytest.fixture
def root(db):
    return make_superuser("root")


def deactivate(root, person):
    """As a superuser does it: untick "active" in the admin."""
    client = Client()
    sign_in(client, root)
    user = person.user
    answer = client.post(
        f"/admin/auth/user/{user.pk}/change/",
        {
            "username": user.username,
            "date_joined_0": f"{user.date_joined:%Y-%m-%d}",
            "date_joined_1": f"{user.date_joined:%H:%M:%S}",
        },
    )
    assert answer.status_code == 302, answer.text
    user.refresh_from_db()
    assert not user.is_active


def nothing_came_of_it(vendor):
    """No credential, the login ended, the vendor never asked for a token."""
    assert not SavedAuthentication.objects.exists()
    assert PendingLogin.objects.get().status == "cancelled"
    assert vendor.oauth()["token_requests"] == []


def test_the_same_steps_work_for_somebody_who_is_active(vendor, alice, root):
    login = alice.begin()
    answer = alice.paste(login, vendor.authorize(login["authorize_url"]))
    assert answer.json()["login"]["status"] == "done"


def test_their_login_takes_no_pasted_answer(vendor, alice, root):
    login = alice.begin()
    back = vendor.authorize(login["authorize_url"])
    deactivate(root, alice)
    answer = alice.paste(login, back)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "signed_out")
    nothing_came_of_it(vendor)


def test_their_login_takes_no_answer_at_our_own_callback(vendor, alice, root, settings):
    settings.MAESTRO_URL = "https://chat.example.org"
    google = dataclasses.replace(
        options.options_of("gemini"), callback_url=settings.MAESTRO_URL
    )
    options.configure({"gemini": google})
    login = alice.begin("gemini")
    back = vendor.authorize(login["authorize_url"])
    deactivate(root, alice)
    answer = alice.client.get(back.removeprefix(settings.MAESTRO_URL))
    assert answer.status_code == 302
    assert answer["Location"] == "/login/"  # the code does not travel on
    nothing_came_of_it(vendor)


def test_their_login_takes_no_answer_at_the_listener(listening, alice, root):
    login = alice.begin()
    assert login["is_listening"]
    back = listening.authorize(login["authorize_url"])
    deactivate(root, alice)
    answer = requests.get(back, timeout=10)
    assert answer.status_code == 400
    nothing_came_of_it(listening)


def test_their_device_login_is_not_asked_about(vendor, alice, root):
    login = alice.begin(method="device")
    vendor.oauth_config(device_approved=[login["user_code"]])
    deactivate(root, alice)
    answer = alice.call("get", f"/api/logins/{login['id']}/")
    assert answer.status_code == 401
    assert not [r for r in vendor.requests() if r["path"].endswith("deviceauth/token")]
    nothing_came_of_it(vendor)


def test_they_begin_no_login_and_import_nothing(vendor, alice, root):
    deactivate(root, alice)
    for path, body in (
        ("/api/logins/", {"provider": "openai", "name": "work"}),
        ("/api/imports/save/", {"file_name": "auth.json", "content": "{}"}),
        ("/api/credentials/", {"provider": "openai", "name": "w", "api_key": "x"}),
    ):
        assert alice.call("post", path, **body).status_code == 401, path
    assert not PendingLogin.objects.exists()


def test_their_other_pages_are_closed_as_well(vendor, alice, root):
    assert alice.client.get("/").status_code == 200
    deactivate(root, alice)
    for path in ("/", "/credentials/"):
        answer = alice.client.get(path)
        assert answer.status_code == 302 and "/login/" in answer["Location"]
    assert alice.call("get", "/api/credentials/").status_code == 401


def test_deactivated_staff_is_out_of_the_logins_of_the_admin(vendor, root):
    helper = Person("helper", is_staff=True, is_superuser=True)
    begun = helper.client.post(
        ADMIN_LOGINS, {"method": "openai/device", "name": "work"}
    )
    assert helper.client.get(begun["Location"]).status_code == 200
    deactivate(root, helper)
    for path in (begun["Location"], f"{begun['Location']}answer/", ADMIN_LOGINS):
        answer = helper.client.post(path, {"answer": "c0de-test"})
        assert answer.status_code == 302 and "/admin/login/" in answer["Location"]
    nothing_came_of_it(vendor)


@pytest.mark.parametrize("step", ["begin", "poll", "answer", "cancel"])
def test_a_request_that_was_let_in_just_before_is_refused_by_the_service(
    vendor, alice, root, step
):
    """The person was read when the request came; the row says how it is now."""
    login = alice.begin()
    session_key = alice.client.session.session_key
    who = {"user": alice.user, "session_key": session_key}
    stale = type(alice.user).objects.get(pk=alice.user.pk)
    deactivate(root, alice)
    if step != "begin":  # a new login has no row yet: the person as they are now
        who["user"] = stale
        who["login_id"] = login["id"]
    more = {"begin": {"provider": "openai", "name": "more"}, "answer": {"text": "x"}}
    with pytest.raises(NotAllowed):
        getattr(logging_in, step)(**who, **more.get(step, {}))
    nothing_came_of_it(vendor)


def test_somebody_else_is_not_touched(vendor, alice, bob, root):
    login = bob.begin()
    deactivate(root, alice)
    done = bob.paste(login, vendor.authorize(login["authorize_url"]))
    assert done.json()["login"]["status"] == "done"
