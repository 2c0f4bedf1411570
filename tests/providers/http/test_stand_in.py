"""The stand-in for a browser: follows a login at the emulator, and goes nowhere else."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from providers.errors import ConfigurationError, ProviderError
from providers.http import HttpSettings, configure, settings, stand_in
from tests.emulator import ORIGINS, EmulatorProcess
from tests.providers.emulator.logins import CODEX, authorize_url

CALLBACK = "http://localhost:1455/auth/callback"


@pytest.fixture(autouse=True)
def _way(emulator: EmulatorProcess) -> Iterator[None]:
    before = settings()
    configure(HttpSettings(reroute=emulator.origins()))
    emulator.oauth_config(auto_approve=False)
    yield
    configure(before)


def test_it_agrees_and_stops_where_a_person_would_copy_the_address():
    found = stand_in.visit(authorize_url("openai"), stops_at=CALLBACK)
    assert found.startswith(f"{CALLBACK}?code=")


def test_it_reads_the_code_that_a_page_shows():
    code, _, state = stand_in.visit(authorize_url("anthropic")).partition("#")
    assert code
    assert state


def test_it_types_a_device_code_in(emulator):
    begun = emulator._http.post(
        f"{emulator.url('openai-auth')}/api/accounts/deviceauth/usercode",
        json={"client_id": CODEX},
        timeout=5,
    ).json()
    page = "https://auth.openai.com/codex/device"
    assert stand_in.visit(page, user_code=begun["user_code"]) == ""
    assert emulator.oauth()["devices"][0]["status"] == "approved"


def test_a_page_that_refuses_is_an_error_with_its_words():
    url = authorize_url("openai", redirect_uri="http://elsewhere.example/")
    with pytest.raises(ProviderError, match="cannot go on"):
        stand_in.visit(url)


@pytest.mark.parametrize(
    "url",
    ["https://login.example.com/authorize", "http://192.0.2.7/", "http://10.0.0.1/"],
)
def test_it_never_leaves_this_machine(url):
    with pytest.raises(ConfigurationError, match="this machine only"):
        stand_in.visit(url)


def test_somebody_who_is_not_there_is_said_so():
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ProviderError, match=r"127\.0\.0\.1"):
            stand_in.visit(f"http://127.0.0.1:{taken.getsockname()[1]}/")


def test_the_emulator_says_which_vendors_it_plays(emulator):
    paths = emulator._get("origins")
    assert paths == {origin: f"/{folder}" for folder, origin in ORIGINS.items()}
