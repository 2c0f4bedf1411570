"""What is recognised in uploaded files and stays where it is, with the reason."""

import pytest

from tests.providers.import_files import (
    adc,
    claude_code,
    codex,
    cpa_codex,
    gemini_cli,
    llxprt,
    profile_config,
    profile_tokens,
    read_one,
)


@pytest.mark.parametrize(
    ("document", "name", "word"),
    [
        (claude_code(), ".credentials.json", "terms"),
        ({"type": "claude", "access_token": "at-test"}, "claude-a.json", "terms"),
        (llxprt(), "anthropic.json", "terms"),
        ({"anthropic": {"type": "oauth", "access": "x"}}, "auth.json", "terms"),
        (gemini_cli(), "oauth_creds.json", "2026-06-18"),
        (gemini_cli(scope=7), "oauth_creds.json", "2026-06-18"),
        (llxprt(), "gemini.json", "2026-06-18"),
        ({"google": {"type": "oauth", "refresh": "x"}}, "auth.json", "2026-06-18"),
        ({"type": "gemini", "token": {}}, "gemini-a.json", "2026-06-18"),
        (
            {"type": "service_account", "private_key": "test-key"},
            "key.json",
            "not the login of a person",
        ),
        ({"type": "external_account"}, "key.json", "not the login of a person"),
        (
            {"installed": {"client_id": "c", "client_secret": "s", "token_uri": "u"}},
            "client_secret.json",
            "not a login",
        ),
        (adc(universe_domain="cloud.example"), "adc.json", "another cloud"),
        (profile_tokens(), "p.json", "the configuration is missing"),
        (profile_config(), "p.json", "the credentials file is missing"),
        (
            {"authentication": {"type": "oidc_federation"}, "version": "1.0"},
            "p.json",
            "as a workload",
        ),
        (
            codex() | {"tokens": None, "agent_identity": "test-jwt"},
            "auth.json",
            "agent identity",
        ),
        (
            {"auth_mode": "personalAccessToken", "personal_access_token": "at-test"},
            "auth.json",
            "personal access token",
        ),
        (codex(auth_mode="chatgptAuthTokens"), "auth.json", "lent to Codex CLI"),
        ({"OPENAI_API_KEY": None, "tokens": None}, "auth.json", "keyring"),
    ],
)
def test_what_stays_where_it_is_is_recognised_and_explained(document, name, word):
    offer = read_one(document, name)
    assert offer.credential is None
    assert not offer.warning
    assert word in offer.refusal


def test_a_profile_that_another_program_renews_is_refused():
    config = profile_config(authentication={"type": "user_oauth"})
    offer = read_one(config, "p.json", profile_tokens())
    assert offer.credential is None
    assert "client_id" in offer.refusal


@pytest.mark.parametrize("lost", ["access_token", "refresh_token"])
def test_a_login_without_one_of_its_tokens_is_refused(lost):
    for document in (codex(tokens={lost: None}), cpa_codex(**{lost: ""})):
        offer = read_one(document)
        assert offer.credential is None
        assert f"“{lost}” is missing" in offer.refusal
