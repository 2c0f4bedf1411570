"""What uploaded credential files of other programs offer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

import pytest

from providers import resolver
from providers.errors import ConfigurationError
from providers.oauth.tokens import expires_soon
from providers.openai.oauth import OpenAIOAuth, is_backend
from tests.providers.import_files import (
    ACCESS,
    ENDS_ISO,
    adc,
    codex,
    cpa_codex,
    llxprt,
    opencode,
    profile_config,
    profile_tokens,
    read,
    read_one,
)

# What is imported


def test_a_codex_login_is_offered_with_what_it_would_break():
    offer = read_one(codex())
    assert (offer.source, offer.provider) == ("Codex CLI (auth.json)", "openai")
    assert offer.auth_type == offer.credential.auth_type == "oauth"
    assert offer.account == "alice@example.com (Plus)"
    assert "log each other out" in offer.warning
    assert not offer.refusal
    credential = offer.credential
    assert credential.name == "imported"
    assert set(credential.secrets) == {"access_token", "refresh_token"}
    assert credential.secret("refresh_token") == "rt-test-codex-refresh"
    assert credential.expires_at == ENDS_ISO
    assert credential.metadata == {
        "kind": "codex",
        "mode": "chatgpt",
        "mode_choice": "chatgpt",
        "account_id": "acc-test",
        "email": "alice@example.com",
        "plan": "Plus",
        "lifetime_s": "864000",
    }


def test_an_imported_codex_login_signs_as_a_login_made_here_does():
    credential = read_one(codex()).credential
    assert is_backend(credential)
    assert OpenAIOAuth().headers(credential) == {
        "Authorization": f"Bearer {ACCESS}",
        "originator": "maestro",
        "chatgpt-account-id": "acc-test",
    }


def test_an_account_that_codex_does_not_name_is_taken_from_the_token():
    credential = read_one(codex(tokens={"account_id": None})).credential
    assert credential.metadata["account_id"] == "acc-from-claims"


def test_a_login_whose_tokens_say_nothing_is_offered_without_an_expiry():
    offer = read_one(codex(tokens={"id_token": "", "access_token": "at-test-opaque"}))
    assert offer.credential.expires_at is None
    assert offer.account == "acc-test"
    assert "lifetime_s" not in offer.credential.metadata


def test_the_api_key_of_codex_is_imported_without_a_warning():
    offer = read_one({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-test-codex"})
    assert (offer.provider, offer.auth_type) == ("openai", "api_key")
    assert offer.credential.secret("api_key") == "sk-test-codex"
    assert offer.credential.metadata == {}
    assert not offer.warning
    assert "goes on working" in offer.imports


def test_key_and_login_of_one_file_are_offered_each_for_itself():
    offers = read(codex(OPENAI_API_KEY="sk-test-codex"))
    assert [(o.auth_type, bool(o.warning)) for o in offers] == [
        ("api_key", False),
        ("oauth", True),
    ]


def test_a_login_kept_by_a_proxy_is_read_like_that_of_codex():
    offer = read_one(cpa_codex(), "codex-alice.json")
    assert offer.account == "alice@example.com (Plus)"
    assert offer.credential.expires_at == ENDS_ISO
    assert offer.credential.metadata["kind"] == "codex"
    assert "CLIProxyAPI and Maestro would log each other out" in offer.warning


@pytest.mark.parametrize(
    "name", ["codex.json", "openai-work.json", "C:\\x\\oauth\\codex (1).json"]
)
def test_the_name_of_an_llxprt_file_says_whose_it_is(name):
    offer = read_one(llxprt(account_id="acc-test"), name)
    assert offer.credential.metadata["account_id"] == "acc-test"
    assert offer.credential.expires_at == ENDS_ISO
    assert "LLxprt Code and Maestro" in offer.warning


@pytest.mark.parametrize("name", ["qwen.json", "codexes.json", "", "my/codex/x.json"])
def test_an_llxprt_file_of_nobody_here_is_not_guessed(name):
    with pytest.raises(ConfigurationError, match="not a credential file"):
        read(llxprt(), name)


def test_opencode_offers_the_key_of_every_vendor_that_is_installed():
    slugs = sorted(
        slug
        for slug, manifest in resolver.providers().items()
        if manifest.api_key is not None and not manifest.base_url_required
    )
    assert {"openai", "anthropic", "openrouter"} <= set(slugs)
    offers = read({s: {"type": "api", "key": f"sk-test-{s}"} for s in slugs})
    assert sorted(o.provider for o in offers) == slugs
    for offer in offers:
        assert offer.credential.secret("api_key") == f"sk-test-{offer.provider}"
        assert not offer.warning


def test_opencode_calls_gemini_google():
    offer = read_one({"google": {"type": "api", "key": "AQ.test-google-key"}})
    assert offer.provider == offer.credential.provider == "gemini"


def test_each_entry_of_opencode_is_judged_for_itself():
    found = {(o.provider, o.auth_type): o for o in read(opencode())}
    login = found["openai", "oauth"]
    assert login.credential.expires_at == ENDS_ISO
    assert login.credential.metadata["account_id"] == "acc-test"
    assert "opencode and Maestro" in login.warning
    assert "terms" in found["anthropic", "oauth"].refusal
    assert found["gemini", "api_key"].credential is not None
    assert found["openrouter", "api_key"].credential is not None
    strangers = found["", "api_key"]
    assert strangers.refusal == "One entry is for vendors that are not installed here."
    assert len(found) == 5


def test_a_key_for_a_server_of_ones_own_needs_its_address():
    needs = next(s for s, m in resolver.providers().items() if m.base_url_required)
    offer = read_one({needs: {"type": "api", "key": "sk-test-own"}})
    assert offer.credential is None
    assert "address of the server" in offer.refusal


def test_a_login_that_nobody_here_takes_over_is_refused_by_name():
    entry = {"type": "oauth", "access": "a", "refresh": "r", "expires": 0}
    offer = read_one({"groq": entry})
    assert offer.credential is None
    assert "Groq" in offer.refusal


@pytest.mark.parametrize("is_config_first", [True, False])
def test_the_two_files_of_a_console_profile_make_one_login(is_config_first):
    files = [profile_config(), profile_tokens()]
    first, second = files if is_config_first else reversed(files)
    offer = read_one(first, "default.json", second)
    assert (offer.provider, offer.auth_type) == ("anthropic", "oauth")
    assert offer.account == "organization org-test, workspace wrkspc-test"
    assert "billed by use" in offer.imports
    assert "share one login" in offer.warning
    credential = offer.credential
    assert credential.secret("access_token") == "at-test-profile-access"
    assert set(credential.secrets) == {"access_token", "refresh_token"}
    assert credential.expires_at == ENDS_ISO
    assert credential.metadata == {
        "kind": "profile",
        "client_id": "client-test",
        "organization_id": "org-test",
        "workspace_id": "wrkspc-test",
        "token_url": "https://api.anthropic.com/v1/oauth/token",
    }


@pytest.mark.parametrize(
    ("base_url", "token_url"),
    [
        ("", "https://api.anthropic.com/v1/oauth/token"),
        ("https://api.anthropic.com/", "https://api.anthropic.com/v1/oauth/token"),
        ("https://API.anthropic.com:443", "https://api.anthropic.com/v1/oauth/token"),
        ("https://platform.claude.com", "https://platform.claude.com/v1/oauth/token"),
    ],
)
def test_a_profile_is_renewed_at_the_address_it_names(base_url, token_url):
    offer = read_one(profile_config(base_url=base_url), "p.json", profile_tokens())
    assert offer.credential.metadata["token_url"] == token_url


@pytest.mark.parametrize(
    "base_url",
    [
        "http://api.anthropic.com",
        "https://api.anthropic.com:8443",
        "https://api.anthropic.com.evil.example",
        "https://api.anthropic.com@evil.example",
        "https://evil.example\\@api.anthropic.com",
        "https://evil.example/#https://api.anthropic.com",
        "https://api.anthropic.com/../x",
        "https://api.anthropic.com/proxy",
        "https://gateway.example",
        "api.anthropic.com",
        ["https://api.anthropic.com"],
        7,
    ],
)
def test_a_profile_for_another_address_is_refused(base_url):
    offer = read_one(profile_config(base_url=base_url), "p.json", profile_tokens())
    assert offer.credential is None
    assert offer.refusal
    assert "evil" not in str(offer)


def test_googles_default_credentials_are_imported_with_their_own_client():
    offer = read_one(adc(account="alice@example.com"))
    assert (offer.provider, offer.auth_type) == ("gemini", "oauth")
    assert offer.account == "alice@example.com, project project-test"
    assert not offer.warning
    credential = offer.credential
    assert set(credential.secrets) == {"refresh_token", "client_secret"}
    assert credential.metadata == {
        "kind": "adc",
        "client_id": "client-test.apps.googleusercontent.com",
        "project": "project-test",
        "email": "alice@example.com",
    }


def test_a_login_without_an_access_token_is_renewed_before_its_first_use():
    credential = read_one(adc()).credential
    assert expires_soon(credential)
    ends = datetime.fromisoformat(credential.expires_at)
    assert abs(datetime.now(UTC) - ends) < timedelta(hours=1)


def test_default_credentials_without_a_quota_project_come_with_a_warning():
    offer = read_one(adc(quota_project_id=None))
    assert offer.credential is not None
    assert "set-quota-project" in offer.warning


def test_a_drop_in_vendor_takes_part(monkeypatch):
    """Whoever has the behaviour is asked; nobody is named in the door."""
    openai = resolver.provider("openai")
    seen = []

    class Own:
        files = ("Own program: own.json",)

        def offers(self, document, file_name):
            seen.append((document, PurePosixPath(file_name).name))
            return []

    own = replace(openai, slug="own", imports=Own())
    monkeypatch.setattr(resolver, "providers", lambda: {"own": own})
    with pytest.raises(ConfigurationError, match="Own program"):
        read({"a": 1}, "own.json")
    assert seen == [({"a": 1}, "own.json")]
