"""Runs the rules on one provider. Called by `manage.py provider_check` and by the tests."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext

from providers import resolver
from providers.conformance.lab import KEY, Lab, bench_of
from providers.conformance.process import EmulatorProcess
from providers.conformance.report import Report, Verdict
from providers.conformance.rules import RULES, Broken, Rule

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
    bench_of(manifest)
    with nullcontext(emulator) if emulator else EmulatorProcess() as running:
        lab = Lab(manifest, running)
        verdicts = [_verdict(rule, lab) for rule in rules]
    return Report(provider=slug, dialect=manifest.dialect, verdicts=verdicts)


def _verdict(rule: Rule, lab: Lab) -> Verdict:
    started = time.monotonic()
    reason = ""
    try:
        lab.reset()
        rule.check(lab)
    except Broken as exc:
        reason = str(exc) or "it was not kept"
    except Exception as exc:  # a provider may fail in any way
        reason = f"{type(exc).__name__}: {exc}"
    return Verdict(
        rule=rule.name,
        promise=rule.promise,
        result="broken" if reason else "ok",
        reason=reason.replace(KEY, "(key)")[:_REASON_CHARS],
        took_s=round(time.monotonic() - started, 3),
    )
