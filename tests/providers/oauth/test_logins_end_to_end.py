"""Every login from its first page to its last, at a server that checks what we send
(AC-OA2, AC-G3, AC-G4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from providers import options, provider
from providers.anthropic.config import SLUG as ANTHROPIC
from providers.errors import CredentialRejected, ProviderError
from providers.events import Event, Finished, TextDelta
from providers.gemini.config import SLUG as GEMINI
from providers.http import HttpSettings, configure, pool, settings
from providers.options import VendorOptions
from providers.store import MemoryStore
from providers.types import Credential, Message, Secret, TextPart, Tool
from tests.emulator import EmulatorProcess

CALLBACKS = {
    "browser": "http://localhost:1455/auth/callback",
    "siwc": "http://127.0.0.1:40123/auth/callback",
    "google": "http://127.0.0.1:40124/oauth2callback",
}
# (vendor, method, plan): every login there is, both modes of OpenAI included
LOGINS = [
    ("openai", "browser", "plus"),
    ("openai", "browser", "enterprise"),
    ("openai", "siwc", "plus"),
    ("anthropic", "console", ""),
    ("anthropic", "subscription", ""),
    ("gemini", "google", ""),
]


@pytest.fixture(autouse=True)
def _way(emulator: EmulatorProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = settings()
    configure(HttpSettings(reroute=emulator.origins()))
    google = VendorOptions(
        client_id="123-test.apps.googleusercontent.com",
        client_secret=Secret("fake-client-secret"),
        project="test-project",
    )
    claude = VendorOptions(allows=frozenset({"subscription"}))
    monkeypatch.setattr(options, "_options", {GEMINI: google, ANTHROPIC: claude})
    host = "urn:uuid:6f1f3c1e-8a1b-4c53-9d6e-0a9a6f3b1c2d"
    monkeypatch.setattr(options, "_installation", lambda: host)
    yield
    pool.close_idle()
    configure(before)


def log_in(
    emulator: EmulatorProcess, vendor: str, method: str, plan: str = "", **more: Any
) -> str:
    """A whole login, as a person does it."""
    if plan:
        emulator.oauth_config(plan_type=plan)
    login = provider.begin_login(
        vendor,
        name="work",
        method=method,
        redirect_uri=CALLBACKS.get(method),
        **more,
    )
    return provider.finish_login(login, emulator.authorize(login.authorize_url))


def ask(vendor: str, **more: Any) -> list[Event]:
    messages = [Message(role="user", parts=[TextPart(text="Hello")])]
    model = provider.list_models(vendor, "oauth", "work")[0].id
    with provider.stream_chat(vendor, "work", messages, model=model, **more) as stream:
        return list(stream)


@pytest.mark.parametrize(("vendor", "method", "plan"), LOGINS)
def test_a_login_lists_models_and_answers(
    emulator: EmulatorProcess, vendor: str, method: str, plan: str
) -> None:
    assert log_in(emulator, vendor, method, plan) == "work"

    emulator.script(text="An answer.")
    events = ask(vendor, max_output_tokens=100)

    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == "An answer."
    assert isinstance(events[-1], Finished)


@pytest.mark.parametrize(("vendor", "method", "plan"), LOGINS)
def test_a_login_is_renewed_and_works_on(
    emulator: EmulatorProcess,
    store: MemoryStore,
    vendor: str,
    method: str,
    plan: str,
) -> None:
    log_in(emulator, vendor, method, plan)
    before = store.get(vendor, "oauth", "work")

    for _ in range(3):
        assert provider.refresh_tokens(vendor, "work")

    after = store.get(vendor, "oauth", "work")
    assert after.secret("access_token") != before.secret("access_token")
    assert after.generation == before.generation + 3
    assert after.problem == ""
    assert ask(vendor)


@pytest.mark.parametrize(("vendor", "method", "plan"), LOGINS)
def test_an_access_token_that_dies_in_use_is_replaced_unseen(
    emulator: EmulatorProcess, vendor: str, method: str, plan: str
) -> None:
    log_in(emulator, vendor, method, plan)
    emulator.oauth("expire")

    assert ask(vendor)


@pytest.mark.parametrize(("vendor", "method", "plan"), LOGINS)
def test_a_login_that_was_ended_at_the_vendor_asks_for_a_new_one(
    emulator: EmulatorProcess, vendor: str, method: str, plan: str
) -> None:
    log_in(emulator, vendor, method, plan)
    emulator.oauth("revoke")

    with pytest.raises(CredentialRejected):
        provider.refresh_tokens(vendor, "work")


def test_a_device_code_logs_in_when_the_person_has_typed_it(
    emulator: EmulatorProcess, store: MemoryStore
) -> None:
    login = provider.begin_login("openai", name="work", method="device")
    assert provider.poll_login(login) is None

    emulator.oauth_config(device_approved=[login.user_code])
    found = provider.poll_login(login)

    assert isinstance(found, Credential)
    store.create(found)
    assert ask("openai")


def test_an_account_without_an_organisation_goes_on_in_chatgpt_mode(
    emulator: EmulatorProcess, store: MemoryStore
) -> None:
    emulator.oauth_config(has_platform_org=False)
    log_in(emulator, "openai", "browser", "business")
    with pytest.raises(CredentialRejected, match="ChatGPT mode"):
        ask("openai")

    assert provider.choose_mode("openai", "work", "chatgpt") == "chatgpt"

    assert ask("openai")


def test_a_login_that_is_declined_leaves_nothing(
    emulator: EmulatorProcess, store: MemoryStore
) -> None:
    emulator.oauth_config(deny="The person said no.")

    with pytest.raises(CredentialRejected, match="declined"):
        log_in(emulator, "openai", "browser")

    assert store.find("openai", "work") == []


@pytest.mark.parametrize(("vendor", "method", "plan"), LOGINS)
def test_a_code_is_of_use_once(
    emulator: EmulatorProcess, vendor: str, method: str, plan: str
) -> None:
    login = provider.begin_login(
        vendor, name="work", method=method, redirect_uri=CALLBACKS.get(method)
    )
    answer = emulator.authorize(login.authorize_url)
    provider.complete_login(login, answer)

    with pytest.raises(ProviderError):
        provider.complete_login(login, answer)


def test_tools_work_in_every_login_of_openai(emulator: EmulatorProcess) -> None:
    tools = [Tool(name="weather", description="d", parameters={"type": "object"})]
    for method, plan in (
        ("browser", "plus"),
        ("browser", "business"),
        ("siwc", "plus"),
    ):
        log_in(emulator, "openai", method, plan)
        assert ask("openai", tools=tools)
        provider.delete_session("openai", "oauth", "work")


@pytest.mark.parametrize("method", ["browser", "siwc"])
def test_a_deleted_login_is_dead_at_the_vendor(
    emulator: EmulatorProcess, store: MemoryStore, method: str
) -> None:
    log_in(emulator, "openai", method, "plus")
    kept = store.get("openai", "oauth", "work")

    provider.delete_session("openai", "oauth", "work")

    store.create(kept)
    with pytest.raises(CredentialRejected):
        provider.refresh_tokens("openai", "work")


def test_two_logins_side_by_side_do_not_know_each_other(
    emulator: EmulatorProcess, store: MemoryStore
) -> None:
    begun = [
        provider.begin_login(
            "openai", name=name, method="browser", redirect_uri=CALLBACKS["browser"]
        )
        for name in ("first", "second")
    ]
    answers = [emulator.authorize(login.authorize_url) for login in begun]

    with pytest.raises(ProviderError):
        provider.complete_login(begun[0], answers[1])
    for login, answer in zip(begun, answers, strict=True):
        provider.finish_login(login, answer)

    first, second = (store.get("openai", "oauth", n) for n in ("first", "second"))
    assert first.secret("access_token") != second.secret("access_token")
