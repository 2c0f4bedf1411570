"""What a hostile reading of the logins found: sharing, races, and vendors that lie."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from providers.errors import ProviderUnavailable
from sessions_app.models import Membership, PendingLogin, SavedAuthentication
from sessions_app.sealing import spool
from sessions_app.sealing.key_files import new_key
from sessions_app.services.logins import logging_in, results, rights
from sessions_app.tokens import leases
from tests.providers.oauth.login_server import LoginServer
from tests.sessions_app.factories import make_login, make_oauth, make_team

pytestmark = pytest.mark.django_db(transaction=True)

CODEX_TOKEN = "POST https://auth.openai.com/oauth/token"
CONSOLE_TOKEN = "POST https://platform.claude.com/v1/oauth/token"
DEVICE_CODE = "POST https://auth.openai.com/api/accounts/deviceauth/usercode"
DEVICE_TOKEN = "POST https://auth.openai.com/api/accounts/deviceauth/token"


@pytest.fixture
def liar(settings):
    """A vendor that says what the test says."""
    settings.MAESTRO_LOGIN_LISTENER = "false"
    with LoginServer() as server:
        yield server


def state_of(login):
    return login["authorize_url"].partition("state=")[2].partition("&")[0]


def come_back(login):
    """The address that the vendor's page would send the browser to."""
    return f"http://localhost:1455/auth/callback?code=c0de-test&state={state_of(login)}"


def jwt(claims):
    def part(value):
        return base64.urlsafe_b64encode(value.encode()).rstrip(b"=").decode()

    text = claims if isinstance(claims, str) else json.dumps(claims)
    return f"{part('{}')}.{part(text)}.{part('signature')}"


# -- who may use what -------------------------------------------------------------------


def test_a_shared_login_cannot_become_a_personal_one_by_logging_in_again(vendor, alice):
    team = make_team(alice.user)
    row = make_oauth(owner=alice.user, name="ours", team=team)
    refused = alice.call(
        "post",
        "/api/logins/",
        provider="openai",
        method="siwc",
        credential_id=str(row.pk),
    )
    assert refused.status_code == 400, refused.content


def test_a_login_of_somebody_elses_cannot_become_staffs_personal_one(
    vendor, alice, bob
):
    row = make_oauth(owner=alice.user, name="hers")
    bob.user.is_staff = True
    bob.user.save()
    refused = bob.call(
        "post",
        "/api/logins/",
        provider="openai",
        method="siwc",
        credential_id=str(row.pk),
    )
    assert refused.status_code in (400, 403), refused.content


def test_a_login_that_was_shared_while_its_owner_signed_in_is_no_personal_one(
    vendor, alice
):
    row = make_oauth(owner=alice.user, name="ours")
    login = alice.begin(name="", method="siwc", credential_id=str(row.pk))
    team = make_team(alice.user)
    shared = alice.call("post", f"/api/credentials/{row.pk}/share/", team=str(team.pk))
    assert shared.status_code == 200
    alice.paste(login, vendor.authorize(login["authorize_url"]))
    row.refresh_from_db()
    assert not (row.is_personal and row.team_id)


def test_a_personal_login_whose_owner_is_gone_is_nobodys(vendor, alice, bob):
    row = make_oauth(
        owner=alice.user, kind="siwc", name="hers", metadata={"is_personal": "true"}
    )
    alice.user.delete()
    bob.user.is_staff = True
    bob.user.save()
    assert row not in SavedAuthentication.objects.visible_to(bob.user)
    assert row in SavedAuthentication.objects.managed_by(bob.user)


def test_a_team_that_one_has_left_while_signing_in_gets_no_login(vendor, alice):
    team = make_team(alice.user)
    login = alice.begin(team=str(team.pk))
    Membership.objects.all().delete()
    done = alice.paste(login, vendor.authorize(login["authorize_url"])).json()["login"]
    assert done["status"] == "done"
    assert SavedAuthentication.objects.get().team is None


def test_who_is_no_staff_any_more_shares_no_login_with_everyone(vendor, alice):
    alice.user.is_staff = True
    alice.user.save()
    login = alice.begin(is_shared_with_everyone=True)
    alice.user.is_staff = False
    alice.user.save()
    alice.paste(login, vendor.authorize(login["authorize_url"]))
    assert not SavedAuthentication.objects.get().is_shared_with_everyone


def test_a_credential_that_was_given_away_while_signing_in_keeps_its_login(
    vendor, alice, bob
):
    row = make_oauth(owner=alice.user, name="work")
    login = alice.begin(name="", credential_id=str(row.pk))
    SavedAuthentication.objects.update(owner=bob.user)
    done = alice.paste(login, vendor.authorize(login["authorize_url"])).json()["login"]
    row.refresh_from_db()
    assert done["status"] == "failed"
    assert row.unseal()["access_token"] == "at-test-1"


def test_somebody_deactivated_while_the_vendor_is_asked_gets_no_credential(liar, alice):
    liar.says(CODEX_TOKEN, {"access_token": "at-test-2", "refresh_token": "rt-test-2"})

    def sacked(asked):
        type(alice.user).objects.update(is_active=False)

    login = alice.begin(mode="chatgpt")
    row = PendingLogin.objects.get(pk=login["id"])
    row.user.is_active = True
    liar.hook = sacked
    done = logging_in.finish(row, come_back(login))
    assert done.status == "failed"
    assert not SavedAuthentication.objects.exists()


# -- races and kills --------------------------------------------------------------------


def test_a_killed_exchange_is_not_under_way_for_ever(alice):
    row = make_login(
        user=alice.user,
        status="working",
        expires_at=timezone.now() - timedelta(minutes=6),
    )
    assert results.view(row)["status"] == "expired"


def test_killed_commands_do_not_use_up_the_logins_of_a_person(vendor, alice):
    for _ in range(rights.MAX_WAITING):
        make_login(user=alice.user, expires_at=timezone.now() + timedelta(days=30))
    PendingLogin.objects.update(session_hash="")
    assert alice.begin()["status"] == "waiting"


def test_a_late_error_of_a_device_login_does_not_undo_its_success(liar, alice):
    liar.says(DEVICE_CODE, {"device_auth_id": "device-test", "user_code": "AB-CD"})
    login = alice.begin(method="device")
    liar.says(DEVICE_TOKEN, {"error": "spent"}, 400)

    def meanwhile(asked):
        if asked.line == DEVICE_TOKEN:
            PendingLogin.objects.update(status="done", message="Signed in.")

    liar.hook = meanwhile
    assert alice.look(login)["status"] == "done"
    assert PendingLogin.objects.get().status == "done"


def test_a_vendor_in_trouble_does_not_end_a_device_login(liar, alice):
    liar.says(DEVICE_CODE, {"device_auth_id": "device-test", "user_code": "AB-CD"})
    login = alice.begin(method="device")
    liar.says(DEVICE_TOKEN, {"error": "oops"}, 503)
    assert alice.look(login)["status"] == "waiting"


# -- vendors that lie -------------------------------------------------------------------

ODD_ANSWERS = [
    {"access_token": "at-test\u0000nul", "refresh_token": "rt-test"},
    {"access_token": "at-test", "refresh_token": "rt\u0000test"},
    {"access_token": "at-test", "scope": "a\u0000b"},
    {"access_token": "at-test", "scope": ["a", {"b": "\u0000"}]},
    {"access_token": "at-test", "account": {"email_address": "a\u0000@b", "uuid": 7}},
    {"access_token": "at-test", "account": {"uuid": "u\u0000"}, "organization": []},
    {"access_token": "at-test\r\nX-Evil: 1", "refresh_token": "rt-test"},
    {"access_token": "at-t\u00e9st \u4e16", "refresh_token": "rt-\u4e16"},
    {"access_token": ["at-test"]},
    {"access_token": "at-test", "expires_in": 10**400},
    {"access_token": "at-test", "expires_in": -5},
    {"access_token": "at-test", "expires_in": 1e-300},
    {"access_token": "at-test", "expires_in": True},
    {"access_token": "at-test", "expires_in": {"s": 1}},
    {"access_token": "at-test", "id_token": 7, "token_type": 7},
    {"access_token": "at-test", "token_type": "mac"},
    {"access_token": "x" * 900_000, "refresh_token": "y" * 90_000},
    [],
    "text",
    None,
    b"",
    b"<html>hello</html>",
    b"\xff\xfe",
    b'{"access_token":"\\ud800"}',
    b"[" * 100_000,
    b"{" * 100_000,
    b'{"access_token":' + b"[" * 50_000,
]


@pytest.mark.parametrize("said", ODD_ANSWERS, ids=lambda s: str(s)[:40])
def test_an_odd_token_answer_ends_in_words_and_is_never_half_kept(liar, alice, said):
    login = alice.begin(provider="anthropic", method="console")
    liar.says(CONSOLE_TOKEN, said)
    answer = alice.paste(login, f"c0de-test#{state_of(login)}")
    assert answer.status_code == 200, answer.content
    row = PendingLogin.objects.get()
    assert row.status in ("done", "failed") and row.sealed == ""
    for saved in SavedAuthentication.objects.all():
        checked = alice.call("post", f"/api/credentials/{saved.pk}/test/")
        assert checked.status_code == 200
        assert alice.credentials()


@pytest.mark.parametrize("said", ODD_ANSWERS, ids=lambda s: str(s)[:40])
def test_an_odd_answer_to_a_refresh_leaves_no_lease(liar, alice, said):
    row = make_oauth(owner=alice.user, provider="anthropic", kind="console")
    liar.says(CONSOLE_TOKEN, said)
    answer = alice.call("post", f"/api/credentials/{row.pk}/refresh/")
    assert answer.status_code == 200, answer.content
    row.refresh_from_db()
    assert row.lease_holder == ""


@pytest.mark.parametrize(
    "claims",
    [
        '{"exp": 1%s, "iat": 1}' % ("0" * 400),
        f'{{"exp": 1{"0" * 308}, "iat": -1{"0" * 308}}}',
        '{"exp": true, "iat": "x", "email": {}, "https://api.openai.com/auth": [1]}',
        '{"email": "a\\u0000b", "https://api.openai.com/auth": {"organizations": [1, {}]}}',
        '{"email": "a\\r\\nX: 1", "https://api.openai.com/auth": {"chatgpt_plan_type": 7}}',
        "[" * 20_000,
    ],
)
def test_hostile_claims_end_no_login(liar, alice, claims):
    login = alice.begin(mode="chatgpt")
    liar.says(
        CODEX_TOKEN,
        {"access_token": jwt(claims), "id_token": jwt(claims), "refresh_token": "rt-1"},
    )
    answer = alice.paste(login, come_back(login))
    assert answer.status_code == 200, answer.content
    assert answer.json()["login"]["status"] == "done"


def test_hostile_claims_in_an_uploaded_file_are_no_error_of_ours(alice):
    token = jwt('{"exp": 1%s, "iat": 1}' % ("0" * 400))
    tokens = {"access_token": token, "refresh_token": "rt-1", "id_token": token}
    content = json.dumps({"tokens": tokens, "last_refresh": "x"})
    read = alice.call("post", "/api/imports/", file_name="auth.json", content=content)
    assert read.status_code == 200, read.content


@pytest.mark.parametrize("word", ["invalid\u0000grant", "\u0000", "x" * 100_000, 7, {}])
def test_a_refusal_in_any_words_is_recorded_and_gives_the_lease_back(liar, alice, word):
    row = make_oauth(owner=alice.user, provider="anthropic", kind="console")
    liar.says(CONSOLE_TOKEN, {"error": word, "error_description": "no\u0000pe"}, 400)
    alice.call("post", f"/api/credentials/{row.pk}/refresh/")
    row.refresh_from_db()
    assert row.lease_holder == "" and row.refresh_error


@pytest.mark.parametrize(
    "spelling",
    [
        "r\\/t\\/echo-me-7",
        "r/t/\\u0065cho-me-7",
        "r%2Ft%2Fecho-me-7",
        "r/t/echo-me-7",
    ],
)
def test_a_refusal_that_repeats_the_token_is_masked_however_it_is_spelled(
    liar, alice, spelling
):
    token = "r/t/echo-me-7"
    row = make_oauth(
        owner=alice.user,
        provider="anthropic",
        kind="console",
        secrets={"access_token": "at-test", "refresh_token": token},
    )
    said = f'{{"error": "invalid_grant", "error_description": "Gone: {spelling}."}}'
    liar.says(CONSOLE_TOKEN, said.encode(), 400)
    alice.call("post", f"/api/credentials/{row.pk}/refresh/")
    row.refresh_from_db()
    kept = json.dumps(row.refresh_error) + row.cause
    assert "echo-me" not in kept


def test_a_vendor_in_trouble_is_not_asked_by_every_call(liar, alice):
    row = make_oauth(
        owner=alice.user, provider="anthropic", kind="console", expires_in_s=-60
    )
    liar.says(CONSOLE_TOKEN, {"error": "oops"}, 503)
    for _ in range(10):
        alice.call("get", f"/api/credentials/{row.pk}/models/")
    assert len(liar.to(CONSOLE_TOKEN)) <= 4


def test_a_vendor_that_says_wait_is_not_asked_again_before(liar, alice):
    row = make_oauth(
        owner=alice.user, provider="anthropic", kind="console", expires_in_s=-60
    )
    liar.says(CONSOLE_TOKEN, {"error": "slow_down"}, 429, Retry_After="600")
    for _ in range(5):
        alice.call("get", f"/api/credentials/{row.pk}/models/")
    assert len(liar.to(CONSOLE_TOKEN)) == 1


def test_tokens_of_one_second_are_renewed_once_a_call(liar, alice):
    row = make_oauth(
        owner=alice.user, provider="anthropic", kind="console", expires_in_s=-60
    )
    liar.says(
        CONSOLE_TOKEN,
        {"access_token": "at-2", "refresh_token": "rt-2", "expires_in": 1e-9},
    )
    for _ in range(3):
        alice.call("get", f"/api/credentials/{row.pk}/models/?fresh=1")
    assert len(liar.to(CONSOLE_TOKEN)) <= 6


# -- a disk without room ----------------------------------------------------------------


def test_tokens_that_neither_disk_nor_database_take_are_stored_later(
    liar, alice, monkeypatch
):
    row = make_oauth(owner=alice.user, provider="anthropic", kind="console")
    liar.says(CONSOLE_TOKEN, {"access_token": "at-2", "refresh_token": "rt-2"})

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    def refuses(self, work):
        raise ProviderUnavailable("The database takes nothing.")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        patched.setattr(leases.DatabaseLease, "_patiently", refuses)
        failed = alice.call("post", f"/api/credentials/{row.pk}/refresh/").json()
    assert not failed["ok"]
    done = alice.call("post", f"/api/credentials/{row.pk}/refresh/").json()
    row.refresh_from_db()
    assert done["ok"] and row.unseal()["refresh_token"] == "rt-2"
    assert len(liar.to(CONSOLE_TOKEN)) == 1
    assert not spool.is_there(row.pk, 0)


def test_a_database_that_takes_no_changes_is_said_and_spends_no_token(
    liar, alice, monkeypatch
):
    row = make_oauth(owner=alice.user, provider="anthropic", kind="console")

    def full(*args, **kwargs):
        raise OperationalError("database or disk is full")

    monkeypatch.setattr("django.db.models.query.QuerySet.update", full)
    answer = alice.call("post", f"/api/credentials/{row.pk}/refresh/")
    assert (answer.status_code, answer.json()["ok"]) == (200, False)
    assert not liar.to(CONSOLE_TOKEN)


@pytest.mark.parametrize("said", [b"", b"{}", {"expires_in": 3600}, {"token": "at-2"}])
def test_an_answer_without_any_token_is_no_renewal(liar, alice, said):
    row = make_oauth(owner=alice.user, provider="anthropic", kind="console")
    liar.says(CONSOLE_TOKEN, said)
    answer = alice.call("post", f"/api/credentials/{row.pk}/refresh/").json()
    row.refresh_from_db()
    assert (answer["ok"], row.generation, row.state) == (False, 0, "ok")


def test_a_list_of_a_million_models_is_cut(liar, alice):
    row = make_oauth(owner=alice.user)
    many = [{"slug": f"gpt-{n}", "display_name": "x"} for n in range(20_000)]
    liar.says("GET https://chatgpt.com/backend-api/codex/models", {"models": many})
    found = alice.call("get", f"/api/credentials/{row.pk}/models/?fresh=1").json()
    assert 0 < len(found["models"]) <= 2_000


def test_somebody_who_begins_and_cancels_logins_for_ever_is_stopped(listening, alice):
    before = threading.active_count()
    begun = 0
    for number in range(rights.MAX_BEGUN + 5):
        answer = alice.call(
            "post", "/api/logins/", provider="openai", name=f"many-{number}"
        )
        if answer.status_code != 201:
            break
        begun += 1
        login = answer.json()["login"]
        alice.call("delete", f"/api/logins/{login['id']}/")
    assert begun == rights.MAX_BEGUN
    end = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.05)
    assert threading.active_count() <= before


@pytest.mark.parametrize("keys", ["missing", "rubbish", "another"])
def test_without_its_keys_no_login_is_begun(liar, alice, settings, tmp_path, keys):
    make_oauth(owner=alice.user)
    settings.MAESTRO_ENCRYPTION_KEYS = [new_key()] if keys == "another" else None
    settings.MAESTRO_KEY_FILE = tmp_path / keys
    if keys == "rubbish":
        settings.MAESTRO_KEY_FILE.write_text("rubbish")
    refused = alice.call("post", "/api/logins/", provider="openai", name="work")
    assert refused.status_code == 400
    assert "encryption keys" in refused.json()["error"]["message"]
