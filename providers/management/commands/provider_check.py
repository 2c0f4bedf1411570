"""`manage.py provider_check SLUG [--json]`: the conformance suite on one provider.

Offline, against the emulator in a process of its own; needs no key and no database. One
line a rule, with what was seen where a rule is broken. With `--json` one document:

    {"provider", "dialect", "ok",
     "verdicts": [{"rule", "promise", "result": "ok" or "broken", "reason", "took_s"}]}

Exit status: 0 when every rule is kept, 3 when one is broken, 2 for a provider that is
not installed or a dialect that cannot be checked, 1 when the emulator does not start.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError

from providers.conformance import suite
from providers.conformance.report import Report
from providers.errors import ConfigurationError, ProviderUnavailable

EXIT_NO_EMULATOR = 1
EXIT_BAD_USAGE = 2
EXIT_BROKEN = 3


class Command(BaseCommand):
    """See the module's docstring."""

    help = "Check one provider against the rules of the interface, offline."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG", help="the provider, e.g. anthropic")
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = suite.check(options["slug"])
        except ConfigurationError as exc:
            raise CommandError(exc.message, returncode=EXIT_BAD_USAGE) from exc
        except ProviderUnavailable as exc:
            raise CommandError(exc.message, returncode=EXIT_NO_EMULATOR) from exc
        if options["json"]:
            self.stdout.write(msgspec.json.encode(document(report)).decode())
        else:
            self.stdout.write(described(report))
        if not report.is_ok:
            sys.exit(EXIT_BROKEN)


def document(report: Report) -> dict[str, Any]:
    """The JSON document."""
    return {
        "provider": report.provider,
        "dialect": report.dialect,
        "ok": report.is_ok,
        "verdicts": report.verdicts,
    }


def described(report: Report) -> str:
    """The same for a person."""
    width = max((len(verdict.rule) for verdict in report.verdicts), default=0)
    lines = [f"{report.provider} ({report.dialect})"]
    for verdict in report.verdicts:
        seen = f"\n{'':<{width + 10}}seen: {verdict.reason}" if verdict.reason else ""
        line = f"{verdict.result:<6}  {verdict.rule:<{width}}  {verdict.promise}{seen}"
        lines.append(line)
    kept = len(report.verdicts) - len(report.broken)
    lines.append(f"{kept} of {len(report.verdicts)} rules are kept.")
    return "\n".join(lines)
