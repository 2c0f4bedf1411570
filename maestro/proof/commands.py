"""What the end-to-end commands share: options, progress on stderr, exit codes.

0 everything holds   1 failed to look   2 bad usage   3 a claim does not hold
130 stopped (143 by SIGTERM), with nothing left behind
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from maestro.proof import stage
from maestro.proof.around import Around, Emulated, RealVendor, check_is_here
from maestro.proof.asking import PROMPT
from maestro.proof.interrupts import Stopped, stopped_in_order
from maestro.proof.pipeline import prove
from maestro.proof.plan import WAYS, Path, method_of
from maestro.proof.report import Report, described, document
from maestro.proof.terms import Terms
from providers import VERSION
from providers.errors import ConfigurationError
from providers.retry import Limits
from providers.types import AuthType
from sessions_app.management import new_keys
from sessions_app.management.support import (
    PROBLEM,
    USAGE,
    acting_user,
    add_common_arguments,
    as_json,
    errors_in_words,
)

# Handed on to the process that works on the stage.
_PASSED_ON = ("login_way", "method", "mode", "model", "timeout", "report")


class ProofCommand(BaseCommand):
    """Base: a subclass says which paths. See docs/e2e.md."""

    requires_system_checks: list[str] = []
    name = ""  # as manage.py knows it

    def add_arguments(self, parser: CommandParser) -> None:
        where = parser.add_mutually_exclusive_group()
        where.add_argument(
            "--emulator",
            action="store_true",
            help="against the emulator, in a throw-away installation; needs nothing",
        )
        where.add_argument(
            "--emulator-at",
            default="",
            metavar="URL",
            help="against an emulator that runs on this machine, in this installation",
        )
        parser.add_argument(
            "--credential", default="", metavar="NAME", help="use this saved one"
        )
        parser.add_argument("--login-way", default="", choices=["", *WAYS])
        parser.add_argument("--method", default="", help="one of the vendor's logins")
        parser.add_argument("--mode", default="", help="only this mode of the login")
        parser.add_argument("--model", default="", help="default: the vendor's usual")
        parser.add_argument(
            "--timeout",
            type=float,
            metavar="SECONDS",
            help="longest silence within an answer; a login is waited for without limit",
        )
        parser.add_argument(
            "--keep", action="store_true", help="leave the credential that was made"
        )
        parser.add_argument(
            "--report", type=FilePath, metavar="FILE", help="write the JSON there, too"
        )
        add_common_arguments(parser)

    def paths(self, options: dict[str, Any]) -> Sequence[tuple[str, AuthType]]:
        """What to prove. Raises Invalid, ConfigurationError."""
        raise NotImplementedError

    def words(self, options: dict[str, Any]) -> list[str]:
        """The command's own words, to say them again on the stage."""
        return []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with errors_in_words(), stopped_in_order():
                paths = self._planned(options)
                if options["emulator"]:
                    sys.exit(stage.run_on_a_stage(self._again(options)))
                self._prove(paths, options)
        except Stopped as stopped:
            if not options["emulator"]:  # the process on the stage says it
                self.stderr.write("Stopped; what it had made is removed.")
            sys.exit(stopped.code)

    def _planned(self, options: dict[str, Any]) -> list[Path]:
        """The paths, or the usage error that there is in the options."""
        try:
            _check(options)
            paths = [
                Path(
                    provider=provider,
                    auth_type=auth_type,
                    credential=options["credential"],
                    way=options["login_way"],
                    method=options["method"],
                    mode=options["mode"],
                )
                for provider, auth_type in self.paths(options)
            ]
            for path in paths:
                if path.auth_type == "oauth" and not path.credential:
                    method_of(path)
        except ConfigurationError as exc:
            raise CommandError(exc.message, returncode=USAGE) from None
        return paths

    def _prove(self, paths: list[Path], options: dict[str, Any]) -> None:
        started = time.monotonic()
        user = acting_user(options["user"])
        with ExitStack() as stack:
            around = self._around(paths, options, stack)
            report = Report(
                against=around.against,
                version=VERSION,
                started_at=datetime.now(UTC).isoformat(timespec="seconds"),
                prompt=PROMPT,
            )
            terms = Terms(
                user=user,
                around=around,
                say=self._say,
                tell=self._say if options["json"] else self._tell,
                idle_timeout_s=options["timeout"] or settings.MAESTRO_IDLE_TIMEOUT_S,
                limits=Limits(
                    attempts=settings.MAESTRO_RETRY_ATTEMPTS,
                    total_s=settings.MAESTRO_RETRY_TOTAL_S,
                    base_s=around.patience_s,
                ),
                model=options["model"],
                keep=options["keep"],
            )
            report.paths = [prove(path, terms) for path in paths]
        report.took_s = round(time.monotonic() - started, 3)
        self._end(report, options)

    def _around(
        self, paths: list[Path], options: dict[str, Any], stack: ExitStack
    ) -> Around:
        if options["emulator_at"]:
            emulated = Emulated(options["emulator_at"], self._say)
            stack.enter_context(emulated.in_place_of_vendors())
            return emulated
        return RealVendor(_keys(paths, options), self._say)

    def _end(self, report: Report, options: dict[str, Any]) -> None:
        found = as_json(document(report))
        if options["report"]:
            _write(options["report"], found)
        self.stdout.write(found if options["json"] else described(report))
        if not report.is_ok:
            failed = [
                f"{path.provider} {path.auth_type} {name}"
                for path in report.paths
                for name in path.failed
            ]
            self.stderr.write(f"Does not hold: {', '.join(failed)}.")
            sys.exit(PROBLEM)

    def _say(self, text: str) -> None:
        self.stderr.write(text)
        self.stderr.flush()

    def _tell(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _again(self, options: dict[str, Any]) -> list[str]:
        """This command's line, for the process on the stage."""
        words = [self.name, *self.words(options)]
        for name in _PASSED_ON:
            if options[name]:
                words += [f"--{name.replace('_', '-')}", str(options[name])]
        return words + [f"--{n}" for n in ("json", "keep") if options[n]]


def _check(options: dict[str, Any]) -> None:
    """Options that cannot be. Raises CommandError, ConfigurationError."""
    if options["emulator_at"]:
        check_is_here(options["emulator_at"])
    is_emulated = options["emulator"] or options["emulator_at"]
    if is_emulated and options["credential"]:
        raise CommandError(
            "A saved credential belongs to its real vendor and is not sent to the "
            "emulator: leave out --credential.",
            returncode=USAGE,
        )
    if options["timeout"] is not None and options["timeout"] <= 0:
        raise CommandError("--timeout must be more than 0 seconds.", returncode=USAGE)
    if options["report"] and not options["report"].absolute().parent.is_dir():
        raise CommandError(
            f"There is no folder {options['report'].parent} for the report.",
            returncode=USAGE,
        )


def _keys(paths: list[Path], options: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Every key that will be needed, before anything begins. Raises CommandError."""
    slugs = [p.provider for p in paths if p.auth_type == "api_key" and not p.credential]
    if len(slugs) > 1 and (options.get("key_stdin") or options.get("key_file")):
        raise CommandError(
            "One key does not fit several vendors: use --from-env.", returncode=USAGE
        )
    return {slug: new_keys.read({**options, "provider": slug}) for slug in slugs}


def _write(path: FilePath, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as exc:
        raise CommandError(f"{path} cannot be written ({exc.strerror}).") from None
