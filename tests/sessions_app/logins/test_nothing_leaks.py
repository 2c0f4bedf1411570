"""Secrets of a login are in none of our tables, logs, pages, answers, frames and files."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.apps import apps
from django.test import Client

from providers.types import Credential
from sessions_app.models import PendingLogin, SavedAuthentication
from sessions_app.sealing import spool
from tests.providers.oauth.login_server import LoginServer
from tests.sessions_app.factories import make_superuser, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "POST https://auth.openai.com/oauth/token"
DEVICE_CODE = "POST https://auth.openai.com/api/accounts/deviceauth/usercode"


def jwt(name):
    claims = {
        "email": "ada@example.org",
        "https://api.openai.com/auth": {"chatgpt_plan_type": "plus"},
        "name": name,
    }
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{body}.{name}"


ACCESS, REFRESH, ID = jwt("canaryaccess"), "canary-refresh/0", jwt("canaryid")
KEY, CODE, DEVICE = "canarykey0001", "canarycode0001", "canarydevice0001"
IMPORTED = {"access_token": jwt("canaryfile"), "refresh_token": "canary-file/1"}


@pytest.fixture
def vendor_of_canaries(settings):
    settings.MAESTRO_LOGIN_LISTENER = "false"
    with LoginServer() as server:
        yield server


@pytest.fixture
def logged(caplog):
    """Everything that anybody logs, down to DEBUG, as text with its facts."""
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name)

    def text():
        return "\n".join(f"{vars(r)} {r.getMessage()}" for r in caplog.records)

    return text


def tables():
    """All rows of all tables, as the database has them."""
    return "\n".join(
        str(row)
        for model in apps.get_models(include_auto_created=True)
        for row in model._default_manager.values()
    )


def test_nothing_of_a_login_is_anywhere_but_encrypted(
    vendor_of_canaries, alice, logged, settings
):
    vendor, shown = vendor_of_canaries, []

    def call(verb, path, /, **body):
        answer = alice.call(verb, path, **body)
        shown.append(f"{answer.status_code} {answer.content.decode()} {answer.headers}")
        return answer

    vendor.says(
        TOKEN, {"access_token": ACCESS, "refresh_token": REFRESH, "id_token": ID}
    )
    begun = call("post", "/api/logins/", provider="openai", name="work").json()
    assert "login" in begun, begun
    begun = begun["login"]
    state = parse_qs(urlsplit(begun["authorize_url"]).query)["state"][0]
    came = f"http://localhost:1455/auth/callback?code={CODE}&state={state}"
    before = tables()
    assert state not in before
    call("post", f"/api/logins/{begun['id']}/answer/", answer=came)
    verifier = vendor.to(TOKEN)[0].form["code_verifier"]
    row = SavedAuthentication.objects.get()
    assert row.unseal()["access_token"] == ACCESS

    vendor.says(TOKEN, {"access_token": KEY})
    call("post", f"/api/credentials/{row.pk}/refresh/")
    vendor.says(
        TOKEN, {"error": "invalid_grant", "error_description": f"no {REFRESH}"}, 400
    )
    call("post", f"/api/credentials/{row.pk}/refresh/")
    vendor.says(TOKEN, f"<html>{REFRESH} {CODE}</html>".encode(), 500)
    call("post", f"/api/credentials/{row.pk}/refresh/")
    vendor.says(DEVICE_CODE, {"device_auth_id": DEVICE, "user_code": "AB-CD"})
    device = call(
        "post", "/api/logins/", provider="openai", name="phone", method="device"
    ).json()["login"]
    call("get", f"/api/logins/{device['id']}/")
    file = json.dumps({"tokens": IMPORTED, "last_refresh": "x"})
    call("post", "/api/imports/", file_name="auth.json", content=file)
    call("post", "/api/imports/save/", file_name="auth.json", content=file, name="file")
    call("post", "/api/imports/save/", file_name="auth.json", content=file, name="!")
    call("get", "/api/credentials/")
    assert SavedAuthentication.objects.count() == 2

    admin = Client()
    sign_in(admin, make_superuser())
    pages = [
        "",
        "add/",
        *(f"{x.pk}/change/" for x in SavedAuthentication.objects.all()),
    ]
    for page in pages:
        answer = admin.get(f"/admin/sessions_app/savedauthentication/{page}")
        shown.append(answer.content.decode())
    shown.append(alice.client.get("/credentials/").content.decode())
    shown.append(admin.get("/metrics").content.decode())
    spool.write(row.pk, 7, {"secrets": row.unseal()})
    files = [p for p in Path(settings.DATA_DIR, "spool").iterdir() if p.is_file()]
    kept = "".join(path.read_text("latin-1") for path in files)
    for path in files:
        path.unlink()
    arguments = subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True, check=True
    ).stdout
    reprs = f"{row.as_credential()!r} {PendingLogin.objects.first()!r} {vars(row)}"
    assert isinstance(row.as_credential(), Credential)

    places = {
        "tables": tables(),
        "logs": logged(),
        "answers": "\n".join(shown),
        "files": kept,
        "arguments": arguments,
        "reprs": reprs,
    }
    secrets = (ACCESS, REFRESH, ID, KEY, CODE, DEVICE, verifier, *IMPORTED.values())
    for secret in secrets:
        found = [place for place, text in places.items() if secret in text]
        assert not found, f"{secret[:20]} in {found}"
    # The page that opens the vendor's address needs the state; nobody else does.
    assert state not in places["tables"] + places["logs"] + places["reprs"]


@pytest.mark.parametrize("is_debug", [True, False])
def test_a_crash_in_an_exchange_shows_no_secret(
    vendor_of_canaries, alice, logged, settings, monkeypatch, is_debug
):
    settings.DEBUG = is_debug
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    vendor_of_canaries.says(TOKEN, {"access_token": ACCESS, "refresh_token": REFRESH})

    def broken(*args, **kwargs):
        raise RuntimeError("disk on fire")

    login = alice.begin(mode="chatgpt")
    state = parse_qs(urlsplit(login["authorize_url"]).query)["state"][0]
    came = f"http://localhost:1455/auth/callback?code={CODE}&state={state}"
    monkeypatch.setattr("sessions_app.services.logins.results.seal", broken)
    alice.client.raise_request_exception = False
    shown = alice.paste(login, came)
    page = alice.client.get(f"/oauth/callback/openai/?code={CODE}&state={state}")
    assert shown.status_code == 500
    text = f"{shown.content.decode()} {page.content.decode()} {page.headers}"
    verifier = vendor_of_canaries.to(TOKEN)[0].form["code_verifier"]
    for secret in (ACCESS, REFRESH, CODE, verifier):
        assert secret not in text, "in the page"
        assert secret not in logged(), "in the logs"
