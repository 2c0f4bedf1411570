"""Every installed provider keeps every rule; a broken one breaks its rule and no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from providers import errors, provider, resolver
from providers.chat_stream import ChatStream
from providers.conformance import suite
from providers.conformance.lab import KEY
from providers.conformance.process import EmulatorProcess
from providers.conformance.rules import RULES
from providers.http import exchange
from providers.http.client import HttpClient
from providers.interface import Provider
from tests.providers.conformance.broken import SAMPLES

Install = Callable[[Provider], str]


def reasons(report: suite.Report) -> dict[str, str]:
    return {v.rule: v.reason for v in report.verdicts if v.result == "broken"}


@pytest.mark.parametrize("slug", provider.list_providers())
def test_a_provider_keeps_every_rule(slug: str, bench: EmulatorProcess) -> None:
    report = suite.check(slug, emulator=bench)

    assert reasons(report) == {}
    assert report.is_ok
    assert [v.rule for v in report.verdicts] == [rule.name for rule in RULES]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_broken_provider_breaks_the_rule_and_no_other(
    name: str, bench: EmulatorProcess, install: Install
) -> None:
    sample = SAMPLES[name]

    report = suite.check(install(sample.manifest), emulator=bench)

    assert report.broken == [sample.rule], reasons(report)
    assert reasons(report)[sample.rule]
    assert KEY not in str(report)


def only(*names: str) -> list[suite.Rule]:
    return [rule for rule in RULES if rule.name in names]


def test_a_stream_that_cannot_be_closed_breaks_the_rule_of_stop(
    bench: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ChatStream, "close", lambda self: None)

    report = suite.check("openai", emulator=bench, rules=only("stop", "usage"))

    assert report.broken == ["stop"]


STATUSES = ["status_401", "status_403", "status_404", "status_500", "status_429"]


@pytest.mark.parametrize("slug", ["openai", "anthropic", "gemini", "groq"])
def test_a_refusal_without_a_class_breaks_the_rule_of_every_status(
    slug: str, bench: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusal(name: str, response: exchange.StreamingResponse, body: bytes):
        return errors.ProviderError("It failed.", status=response.status)

    monkeypatch.setattr(exchange, "refusal", refusal)
    rules = only(*STATUSES, "overloaded", "text")

    report = suite.check(slug, emulator=bench, rules=rules)

    assert report.broken == [*STATUSES, "overloaded"]


def test_an_error_that_shows_the_key_breaks_the_rule_of_its_status(
    bench: EmulatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusal(name: str, response: exchange.StreamingResponse, body: bytes):
        return errors.CredentialRejected(f"{KEY} is wrong.", status=response.status)

    monkeypatch.setattr(exchange, "refusal", refusal)
    # The client masks its own key in any error; the rule must not rely on that alone.
    monkeypatch.setattr(HttpClient, "masked", lambda _, error: error)

    report = suite.check("groq", emulator=bench, rules=only("status_401"))

    assert report.broken == ["status_401"]
    assert KEY not in str(report)


def test_every_rule_has_something_that_breaks_it() -> None:
    broken_elsewhere = {*STATUSES, "overloaded", "stop"}

    breakable = {sample.rule for sample in SAMPLES.values()} | broken_elsewhere

    assert breakable == {rule.name for rule in RULES}


def test_a_provider_of_an_unknown_dialect_is_told_what_is_missing(
    bench: EmulatorProcess, install: Install
) -> None:
    manifest = dataclasses.replace(
        resolver.provider("groq"), slug="odd", dialect="smoke_signals"
    )

    with pytest.raises(errors.ConfigurationError, match=r"smoke_signals.*captured"):
        suite.check(install(manifest), emulator=bench)


def test_an_emulator_that_does_not_start_is_an_honest_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("providers.conformance.process.sys.executable", "/bin/false")

    with pytest.raises(errors.ProviderUnavailable, match="did not start"):
        suite.check("openai")


@pytest.mark.parametrize(
    "base", ["https://api.example.com", "https://api.example.com/v1"]
)
@pytest.mark.parametrize("slug", ["openai", "anthropic"])
def test_the_version_is_where_the_vendors_base_url_has_it(
    base: str, slug: str, bench: EmulatorProcess
) -> None:
    manifest = dataclasses.replace(resolver.provider(slug), base_url=base)

    lab = suite.Lab(manifest, bench)

    ends_in_version = lab.credential.base_url.endswith("/v1")
    assert ends_in_version == base.endswith("/v1")
