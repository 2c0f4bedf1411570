"""The provider interface over the database: the same door, with and without Django."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from providers import provider as interface
from providers.errors import (
    ConfigurationError,
    CredentialNotFound,
    CredentialUnreadable,
)
from providers.types import Credential, Secret
from sessions_app.models import SavedAuthentication
from sessions_app.tokens.store import DjangoCredentialStore
from tests.sessions_app.factories import make_credential

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vendor")]


def oauth_credential(**fields):
    defaults = {
        "provider": "openai",
        "auth_type": "oauth",
        "name": "work",
        "secrets": {"access_token": Secret("at-1"), "refresh_token": Secret("rt-1")},
        "metadata": {"plan": "plus"},
        "expires_at": "2026-12-01T10:00:00+00:00",
    }
    return Credential(**defaults | fields)


def test_the_interface_keeps_its_sessions_in_the_database(vendor):
    session = interface.create_session(
        "openai", "api_key", name="Team Key", api_key="sk-canary", organization="org"
    )

    row = SavedAuthentication.objects.get()
    assert session == row.name == "team_key"
    assert "sk-canary" not in row.secrets
    assert row.metadata == {"organization": "org"}
    interface.check_session("openai", "team_key")
    assert vendor.seen == ["sk-canary"]

    interface.delete_session("openai", "api_key", "team_key")
    interface.delete_session("openai", "api_key", "team_key")
    assert not SavedAuthentication.objects.exists()


def test_what_was_stored_comes_back_whole():
    store = DjangoCredentialStore()
    store.create(oauth_credential())

    assert store.get("openai", "oauth", "work") == oauth_credential()
    assert SavedAuthentication.objects.get().expires_at == datetime(
        2026, 12, 1, 10, tzinfo=UTC
    )


def test_new_tokens_replace_the_old_ones_and_heal_the_state():
    store = DjangoCredentialStore()
    store.create(oauth_credential())
    SavedAuthentication.objects.update(state="rejected", cause="x")

    fresh = oauth_credential(secrets={"access_token": Secret("at-2")}, expires_at=None)
    store.replace(fresh)

    found = store.get("openai", "oauth", "work")
    assert (found.secrets, found.expires_at) == (fresh.secrets, None)
    assert found.generation == 1
    assert SavedAuthentication.objects.get().state == "ok"


def test_replacing_what_is_gone_makes_no_new_row():
    with pytest.raises(CredentialNotFound):
        DjangoCredentialStore().replace(oauth_credential())
    assert not SavedAuthentication.objects.exists()


def test_one_name_may_be_a_key_and_a_login(vendor):
    store = DjangoCredentialStore()
    store.create(oauth_credential())
    make_credential(name="work")

    assert list(store.find("openai", "work")) == ["api_key", "oauth"]
    with pytest.raises(ConfigurationError, match="auth_type"):
        interface.check_session("openai", "work")
    interface.check_session("openai", "work", auth_type="api_key")


def test_a_taken_or_malformed_name_is_refused():
    store = DjangoCredentialStore()
    store.create(oauth_credential())
    for name in ("work", " Work ", "   ", "a/b"):
        with pytest.raises(ConfigurationError):
            store.create(oauth_credential(name=name))
    assert SavedAuthentication.objects.count() == 1


def test_a_name_that_leads_nowhere():
    with pytest.raises(CredentialNotFound):
        DjangoCredentialStore().get("openai", "api_key", "nobody")


def test_an_unreadable_secret_is_an_error_and_a_state():
    row = make_credential(name="work")
    SavedAuthentication.objects.update(secrets=row.secrets[:-12] + "AAAAAAAAAAAA")

    with pytest.raises(CredentialUnreadable, match="enter the key again"):
        DjangoCredentialStore().get("openai", "api_key", "work")
    row.refresh_from_db()
    assert row.state == "unreadable"
    assert row.cause
    assert row.last_used_at is None


def test_the_time_of_use_is_written_now_and_then_not_always():
    make_credential(name="work")
    store = DjangoCredentialStore()
    credential = store.get("openai", "api_key", "work")
    assert SavedAuthentication.objects.get().last_used_at is None

    store.used(credential)
    first = SavedAuthentication.objects.get().last_used_at
    store.used(credential)
    assert SavedAuthentication.objects.get().last_used_at == first

    long_ago = timezone.now() - timedelta(hours=1)
    SavedAuthentication.objects.update(last_used_at=long_ago)
    store.used(credential)
    assert SavedAuthentication.objects.get().last_used_at > long_ago


def test_a_credential_does_not_show_its_secret():
    row = make_credential(secrets={"api_key": "sk-canary"})

    shown = f"{row!r} {row} {row.as_credential()!r} {row.as_credential()} {vars(row)}"
    assert "sk-canary" not in shown
