"""Every vendor's login through the JSON that the page uses, end to end."""

import pytest

from providers import provider
from providers.types import Message, TextPart
from sessions_app.models import PendingLogin, SavedAuthentication

pytestmark = pytest.mark.django_db(transaction=True)


def ask(row, model):
    question = [Message(role="user", parts=[TextPart(text="hello")])]
    with provider.stream_chat(
        row.provider, row.name, question, model=model, auth_type="oauth"
    ) as stream:
        return list(stream)


@pytest.mark.parametrize(
    ("slug", "method", "kind"),
    [
        ("openai", "browser", "codex"),
        ("openai", "siwc", "siwc"),
        ("anthropic", "console", "console"),
        ("gemini", "google", "google"),
    ],
)
def test_a_login_gives_models_answers_and_can_be_renewed(
    vendor, alice, slug, method, kind
):
    login = alice.begin(slug, method=method)
    assert login["status"] == "waiting"

    done = alice.paste(login, vendor.authorize(login["authorize_url"])).json()["login"]
    assert (done["status"], done["message"]) == (
        "done",
        "Signed in as ada@example.com.",
    )
    row = SavedAuthentication.objects.get(pk=done["credential_id"])
    assert (row.name, row.owner, row.metadata["kind"]) == ("work", alice.user, kind)
    models = provider.list_models(slug, "oauth", "work")
    assert ask(row, models[0].id)[-1].stop_reason == "stop"

    answer = alice.call("post", f"/api/credentials/{row.pk}/refresh/").json()
    assert answer["ok"], answer
    assert ask(row, models[0].id)[-1].stop_reason == "stop"
    grants = [r["grant"] for r in vendor.oauth()["token_requests"]]
    assert grants == ["authorization_code", "refresh_token"]


def test_a_device_login_is_confirmed_elsewhere(vendor, alice):
    login = alice.begin(method="device")
    assert login["user_code"] and login["authorize_url"]
    vendor.oauth_config(device_approved=[login["user_code"]])
    PendingLogin.objects.update(polled_at=None)

    assert alice.look(login)["status"] == "done"
    assert SavedAuthentication.objects.get().metadata["mode"] == "chatgpt"


def test_a_device_login_asks_the_vendor_no_more_often_than_it_wants(vendor, alice):
    login = alice.begin(method="device")
    for _ in range(5):
        assert alice.look(login)["status"] == "waiting"
    asked = [r for r in vendor.requests() if r["path"].endswith("/deviceauth/token")]
    assert len(asked) == 1


def test_the_page_finishes_by_itself_when_the_browser_comes_back(listening, alice):
    import requests

    login = alice.begin()
    assert login["is_listening"]
    page = requests.get(listening.authorize(login["authorize_url"]), timeout=10)

    assert page.status_code == 200
    assert "code=" not in page.text
    assert alice.look(login)["status"] == "done"
    assert SavedAuthentication.objects.get().owner == alice.user


def test_two_people_who_start_at_once_get_their_own_logins(listening, alice, bob):
    import requests

    hers, his = alice.begin(name="hers"), bob.begin(name="his")
    listening.oauth_config(email="bob@example.com", account_id="acc-bob")
    back = listening.authorize(his["authorize_url"])
    requests.get(back, timeout=10)
    listening.oauth_config(email="alice@example.com", account_id="acc-alice")
    requests.get(listening.authorize(hers["authorize_url"]), timeout=10)

    rows = {r.name: (r.owner.username, r.metadata["email"]) for r in everything()}
    assert rows == {
        "hers": ("alice", "alice@example.com"),
        "his": ("bob", "bob@example.com"),
    }


def everything():
    return SavedAuthentication.objects.select_related("owner")


def test_several_logins_of_one_vendor_stand_side_by_side(vendor, alice):
    for name in ("work", "home"):
        login = alice.begin(name=name)
        alice.paste(login, vendor.authorize(login["authorize_url"]))
    assert sorted(c["name"] for c in alice.credentials()) == ["home", "work"]
    for name in ("work", "home"):
        assert provider.list_models("openai", "oauth", name)


@pytest.mark.parametrize("plan", ["business", "enterprise", "edu", "", "something_new"])
def test_an_organisations_plan_gets_a_platform_key_and_says_so(vendor, alice, plan):
    vendor.oauth_config(plan_type=plan)
    login = alice.begin()
    alice.paste(login, vendor.authorize(login["authorize_url"]))

    shown = alice.credentials()[0]
    assert (shown["mode"], shown["condition"]) == ("api_key", "ok")
    assert "billed per token" in shown["warning"]
    row = SavedAuthentication.objects.get()
    assert row.unseal().keys() == {"access_token", "refresh_token", "api_key"}
    assert ask(row, "gpt-6.1-terra")[-1].stop_reason == "stop"
    sent = [r for r in vendor.requests() if r["path"] == "/openai/v1/responses"]
    assert sent[0]["headers"]["openai-organization"] == "org-emulated"


def test_an_account_without_an_organisation_is_offered_chatgpt_and_loses_nothing(
    vendor, alice
):
    vendor.oauth_config(plan_type="business", has_platform_org=False)
    login = alice.begin()
    done = alice.paste(login, vendor.authorize(login["authorize_url"])).json()["login"]
    assert done["status"] == "done"
    assert "Switch this login to ChatGPT mode" in done["message"]
    shown = alice.credentials()[0]
    assert shown["condition"] == "rejected"

    path = f"/api/credentials/{shown['id']}/mode/"
    answer = alice.call("post", path, mode="chatgpt").json()
    assert answer["ok"], answer
    assert alice.credentials()[0]["condition"] == "ok"
    row = SavedAuthentication.objects.get()
    assert ask(row, "gpt-5.5")[-1].stop_reason == "stop"


def test_the_mode_can_be_chosen_at_login_and_later(vendor, alice):
    login = alice.begin(mode="api_key")
    alice.paste(login, vendor.authorize(login["authorize_url"]))
    shown = alice.credentials()[0]
    assert (shown["mode"], shown["modes"]) == (
        "api_key",
        ["auto", "chatgpt", "api_key"],
    )

    path = f"/api/credentials/{shown['id']}/mode/"
    for mode, becomes in (
        ("chatgpt", "chatgpt"),
        ("api_key", "api_key"),
        ("auto", "chatgpt"),
    ):
        assert alice.call("post", path, mode=mode).json()["ok"]
        assert alice.credentials()[0]["mode"] == becomes
    assert alice.call("post", path, mode="free lunch").status_code == 400


def test_logging_in_again_keeps_the_credential_and_its_id(vendor, alice):
    login = alice.begin()
    alice.paste(login, vendor.authorize(login["authorize_url"]))
    row = SavedAuthentication.objects.get()
    vendor.oauth("revoke")
    answer = alice.call("post", f"/api/credentials/{row.pk}/refresh/").json()
    assert not answer["ok"]
    shown = alice.credentials()[0]
    assert (shown["condition"], shown["id"]) == ("needs_login", str(row.pk))
    assert "Log in again" in shown["cause"]

    again = alice.begin(credential_id=str(row.pk), name="")
    done = alice.paste(again, vendor.authorize(again["authorize_url"])).json()["login"]
    assert done["credential_id"] == str(row.pk)
    assert alice.credentials()[0]["condition"] == "ok"
    assert SavedAuthentication.objects.count() == 1


def test_a_deleted_login_is_taken_back_at_its_vendor(vendor, alice):
    login = alice.begin()
    alice.paste(login, vendor.authorize(login["authorize_url"]))
    row = SavedAuthentication.objects.get()
    assert alice.call("delete", f"/api/credentials/{row.pk}/").status_code == 200
    assert set(vendor.oauth()["families"].values()) == {"revoked"}
    assert not SavedAuthentication.objects.exists()


def test_a_login_can_be_taken_back_and_stays_in_the_list(vendor, alice):
    login = alice.begin()
    alice.paste(login, vendor.authorize(login["authorize_url"]))
    row = SavedAuthentication.objects.get()
    assert alice.call("post", f"/api/credentials/{row.pk}/revoke/").json()["ok"]
    assert alice.credentials()[0]["condition"] == "needs_login"


def test_a_vendor_that_has_no_way_to_revoke_is_said_to_have_none(vendor, alice):
    login = alice.begin("anthropic")
    alice.paste(login, vendor.authorize(login["authorize_url"]))
    row = SavedAuthentication.objects.get()
    answer = alice.call("post", f"/api/credentials/{row.pk}/revoke/").json()
    assert not answer["ok"] and "account settings" in answer["message"]
    assert alice.credentials()[0]["condition"] == "ok"


def test_a_vendors_own_answer_page_ends_in_our_callback(vendor, alice, settings):
    from providers import options

    settings.MAESTRO_URL = "https://chat.example.org"
    set_up = options.options_of("gemini")
    import dataclasses

    options.configure(
        {"gemini": dataclasses.replace(set_up, callback_url="https://chat.example.org")}
    )
    login = alice.begin("gemini")
    assert login["redirect_uri"] == "https://chat.example.org/oauth/callback/gemini/"
    back = vendor.authorize(login["authorize_url"])
    answer = alice.client.get(back.removeprefix("https://chat.example.org"))

    assert answer.status_code == 302
    assert answer["Location"] == f"/credentials/?login={login['id']}"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert alice.look(login)["status"] == "done"
