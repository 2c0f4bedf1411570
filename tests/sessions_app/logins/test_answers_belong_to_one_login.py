"""S-53, S-54: an answer is bound to person, session, vendor, address and verifier."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from sessions_app.models import PendingLogin, SavedAuthentication
from tests.sessions_app.factories import sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def nothing_happened(vendor):
    return (
        not vendor.oauth()["token_requests"]
        and not SavedAuthentication.objects.exists()
    )


def test_another_persons_answer_is_refused_and_the_login_still_waits(
    vendor, alice, bob
):
    hers, his = alice.begin(name="hers"), bob.begin(name="his")
    answer = vendor.authorize(hers["authorize_url"])
    refused = bob.paste(his, answer)

    assert refused.status_code == 400
    assert "another login" in refused.json()["error"]["message"]
    assert nothing_happened(vendor)
    assert bob.look(his)["status"] == "waiting"
    assert alice.paste(hers, answer).json()["login"]["status"] == "done"


def test_another_session_of_the_same_person_cannot_answer(vendor, alice):
    login = alice.begin()
    answer = vendor.authorize(login["authorize_url"])
    elsewhere = Client()
    sign_in(elsewhere, alice.user)
    refused = elsewhere.post(
        f"/api/logins/{login['id']}/answer/",
        {"answer": answer},
        content_type="application/json",
    )
    assert refused.status_code == 404
    assert nothing_happened(vendor)


def test_an_answer_is_taken_once(vendor, alice):
    login = alice.begin()
    answer = vendor.authorize(login["authorize_url"])
    assert alice.paste(login, answer).json()["login"]["status"] == "done"
    assert alice.paste(login, answer).status_code == 404
    assert SavedAuthentication.objects.count() == 1
    assert len(vendor.oauth()["token_requests"]) == 1


def test_an_answer_after_ten_minutes_is_too_late(vendor, alice):
    login = alice.begin()
    answer = vendor.authorize(login["authorize_url"])
    left = PendingLogin.objects.get().expires_at - timezone.now()
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)
    PendingLogin.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert alice.paste(login, answer).status_code == 404
    assert alice.look(login)["status"] == "expired"
    assert nothing_happened(vendor)


def test_a_callback_of_another_vendor_is_refused(vendor, alice):
    login = alice.begin()
    answer = vendor.authorize(login["authorize_url"])
    query = answer.partition("?")[2]
    for slug in ("gemini", "anthropic", "nobody"):
        refused = alice.client.get(f"/oauth/callback/{slug}/?{query}")
        assert refused["Location"] == "/credentials/?login=refused"
    assert nothing_happened(vendor)


@pytest.mark.parametrize("query", ["", "code=x", "state=", "code=x&state=y"])
def test_a_callback_without_a_login_is_refused(vendor, alice, query):
    refused = alice.client.get(f"/oauth/callback/openai/?{query}")
    assert refused["Location"] == "/credentials/?login=refused"
    assert nothing_happened(vendor)


def test_a_callback_in_a_browser_that_is_not_signed_in_drops_its_code(vendor, alice):
    login = alice.begin()
    query = vendor.authorize(login["authorize_url"]).partition("?")[2]
    refused = Client().get(f"/oauth/callback/openai/?{query}")
    assert refused["Location"] == "/login/"
    assert nothing_happened(vendor)


def test_a_login_that_was_declined_says_so_and_saves_nothing(vendor, alice):
    login = alice.begin()
    state = login["authorize_url"].partition("state=")[2].partition("&")[0]
    declined = f"http://localhost:1455/auth/callback?error=access_denied&state={state}"
    done = alice.paste(login, declined).json()["login"]
    assert (done["status"], "declined" in done["message"]) == ("failed", True)
    assert nothing_happened(vendor)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "two words",
        "https://evil.example/?code=x&state=y",
        "a" * 20_000,
        "\x00",
    ],
)
def test_what_is_no_answer_is_said_and_spends_nothing(vendor, alice, text):
    login = alice.begin()
    refused = alice.paste(login, text)
    assert refused.status_code == 400
    assert refused.json()["error"]["field"] == "answer"
    assert alice.look(login)["status"] == "waiting"
    assert nothing_happened(vendor)


def test_what_is_kept_for_the_answer_is_encrypted_and_goes_with_it(vendor, alice):
    login = alice.begin()
    state = login["authorize_url"].partition("state=")[2].partition("&")[0]
    row = PendingLogin.objects.get()
    kept = f"{vars(row)}"
    assert row.sealed and state not in kept and "code_challenge" not in kept
    alice.paste(login, vendor.authorize(login["authorize_url"]))
    assert PendingLogin.objects.get().sealed == ""


def test_the_verifier_never_leaves_the_server_before_the_exchange(vendor, alice):
    login = alice.begin()
    alice.paste(login, vendor.authorize(login["authorize_url"]))
    sent = [r for r in vendor.requests() if r["path"].endswith("/oauth/token")]
    verifier = dict(p.split("=") for p in sent[0]["body"].split("&"))["code_verifier"]
    assert 43 <= len(verifier) <= 128
    assert verifier not in login["authorize_url"]
    assert verifier not in str(alice.look(login))


def test_a_name_that_was_taken_meanwhile_loses_no_login(vendor, alice, bob):
    hers, his = alice.begin(name="work"), bob.begin(name="work")
    alice.paste(hers, vendor.authorize(hers["authorize_url"]))
    done = bob.paste(his, vendor.authorize(his["authorize_url"])).json()["login"]
    assert done["status"] == "done" and "work-2" in done["message"]
    names = SavedAuthentication.objects.order_by("name").values_list("name", flat=True)
    assert list(names) == ["work", "work-2"]


def test_a_taken_or_malformed_name_is_refused_before_the_vendor_is_asked(vendor, alice):
    login = alice.begin()
    alice.paste(login, vendor.authorize(login["authorize_url"]))
    seen = len(vendor.requests())
    for name, status in (("Work", 409), ("a b/c", 400), ("", 400), ("ab", 400)):
        answer = alice.call("post", "/api/logins/", provider="openai", name=name)
        assert answer.status_code == status, name
        assert answer.json()["error"]["field"] == "name"
    assert len(vendor.requests()) == seen


def test_a_personal_login_can_never_be_shared(vendor, alice):
    login = alice.begin(method="siwc")
    alice.paste(login, vendor.authorize(login["authorize_url"]))
    row = SavedAuthentication.objects.get()
    alice.user.is_staff = True
    alice.user.save()
    share = f"/api/credentials/{row.pk}/share/"
    answer = alice.call("post", share, is_shared_with_everyone=True)
    assert answer.status_code == 400
    refused = alice.call(
        "post",
        "/api/logins/",
        provider="openai",
        name="other",
        method="siwc",
        is_shared_with_everyone=True,
    )
    assert refused.status_code == 400
    row.refresh_from_db()
    assert not row.is_shared_with_everyone and row.team is None


def test_a_cancelled_login_takes_no_answer(vendor, alice):
    login = alice.begin()
    answer = vendor.authorize(login["authorize_url"])
    assert alice.call("delete", f"/api/logins/{login['id']}/").status_code == 200
    assert alice.paste(login, answer).status_code == 404
    assert nothing_happened(vendor)


def test_a_subscription_login_is_refused_with_the_reason(vendor, alice):
    answer = alice.call(
        "post", "/api/logins/", provider="anthropic", name="max", method="subscription"
    )
    assert answer.status_code == 400
    assert "does not allow other products" in answer.json()["error"]["message"]
    shown = alice.call("get", "/api/providers/").json()["providers"]
    ways = next(p["logins"] for p in shown if p["slug"] == "anthropic")
    assert [(w["key"], bool(w["refusal"])) for w in ways] == [
        ("console", False),
        ("subscription", True),
    ]


def test_a_shared_login_cannot_become_a_personal_one(vendor, alice):
    alice.user.is_staff = True
    alice.user.save()
    login = alice.begin(is_shared_with_everyone=True)
    alice.paste(login, vendor.authorize(login["authorize_url"]))
    row = SavedAuthentication.objects.get()
    refused = alice.call(
        "post",
        "/api/logins/",
        provider="openai",
        method="siwc",
        credential_id=str(row.pk),
    )
    assert refused.status_code == 400
    assert "cannot be shared" in refused.json()["error"]["message"]


def test_only_its_owner_makes_a_login_personal(vendor, alice, bob):
    login = alice.begin()
    alice.paste(login, vendor.authorize(login["authorize_url"]))
    row = SavedAuthentication.objects.get()
    bob.user.is_staff = True
    bob.user.save()
    refused = bob.call(
        "post",
        "/api/logins/",
        provider="openai",
        method="siwc",
        credential_id=str(row.pk),
    )
    assert refused.status_code == 403
