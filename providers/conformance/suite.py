"""Runs the rules on one provider. Called by `manage.py provider_check` and by the tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial

from providers import resolver
from providers.conformance import captures
from providers.conformance.lab import KEY, Lab, bench_of, is_emulated
from providers.conformance.process import EmulatorProcess
from providers.conformance.report import Report, Verdict
from providers.conformance.rules import RULES, Broken, Rule
from providers.interface import Provider

_REASON_CHARS = 400


def check(
    slug: str,
    *,
    emulator: EmulatorProcess | None = None,
    rules: Sequence[Rule] = RULES,
) -> Report:
    """The verdict of every rule, in their order; one broken rule stops no other.

    `emulator`: one that runs already, else one is started and ended. Raises
    ConfigurationError for an unknown provider or dialect, ProviderUnavailable when the
    emulator does not start.
    """
    manifest = resolver.provider(slug)
    if manifest.captures and not is_emulated(manifest):
        return _check_captures(manifest)
    bench_of(manifest)
    with nullcontext(emulator) if emulator else EmulatorProcess() as running:
        lab = Lab(manifest, running)
        verdicts = [_on_the_bench(rule, lab) for rule in rules]
    return Report(provider=slug, dialect=manifest.dialect, verdicts=verdicts)


def _check_captures(manifest: Provider) -> Report:
    """A dialect of the vendor's own: its captured streams stand for the emulator."""
    found = captures.captures_of(manifest)
    verdicts = [
        _verdict(rule.name, rule.promise, partial(rule.check, manifest, found))
        for rule in captures.CAPTURE_RULES
    ]
    return Report(provider=manifest.slug, dialect=manifest.dialect, verdicts=verdicts)


def _on_the_bench(rule: Rule, lab: Lab) -> Verdict:
    def check() -> None:
        lab.reset()
        rule.check(lab)

    return _verdict(rule.name, rule.promise, check)


def _verdict(name: str, promise: str, check: Callable[[], None]) -> Verdict:
    started = time.monotonic()
    reason = ""
    try:
        check()
    except Broken as exc:
        reason = str(exc) or "it was not kept"
    except Exception as exc:  # a provider may fail in any way
        reason = f"{type(exc).__name__}: {exc}"
    return Verdict(
        rule=name,
        promise=promise,
        result="broken" if reason else "ok",
        reason=reason.replace(KEY, "(key)")[:_REASON_CHARS],
        took_s=round(time.monotonic() - started, 3),
    )
