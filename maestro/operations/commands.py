"""What the operations' commands share: progress on stderr, JSON on stdout, exit codes.

0 done   1 failed   2 bad usage   3 checked, and found a problem   78 this installation is
not in the state for it (runs, newer, misconfigured)
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from maestro.operations.errors import FAILED, OperationFailed
from sessions_app.sealing.key_files import CryptoError

_EVERY_S = 1.0


class OperationCommand(BaseCommand):
    """Base: `--json`, `--quiet`, and `progress` to hand to an operation."""

    requires_system_checks: list[str] = []
    stopped = "Stopped; nothing was changed."  # what Ctrl-C leaves
    _said_at = 0.0
    _said = ""
    _is_quiet = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document")
        parser.add_argument("--quiet", action="store_true", help="no progress")

    def handle(self, *args: Any, **options: Any) -> None:
        self._is_quiet = options["quiet"]
        with errors_in_words(self.stopped):
            self.operate(options)

    def operate(self, options: dict[str, Any]) -> None:
        """The operation itself."""
        raise NotImplementedError

    def progress(self, what: str, done: int, total: int) -> None:
        """A line for each new step, and one a second in a long one."""
        now = time.monotonic()
        is_new = what != self._said
        if self._is_quiet or (not is_new and now - self._said_at < _EVERY_S):
            return
        self._said, self._said_at = what, now
        share = f" {done * 100 // total} %" if total > 1 else ""
        self.stderr.write(f"{what}{share} …")

    def show(self, document: dict[str, Any], text: str, *, as_json: bool) -> None:
        """The result, for machines or for people."""
        self.stdout.write(json.dumps(document, ensure_ascii=False) if as_json else text)


@contextmanager
def errors_in_words(stopped: str = "Stopped.") -> Iterator[None]:
    """What an operation refuses becomes one line on stderr and its exit code."""
    try:
        yield
    except OperationFailed as exc:
        raise CommandError(str(exc), returncode=exc.exit_code) from None
    except CryptoError as exc:
        raise CommandError(f"The keys: {exc}.", returncode=FAILED) from None
    except KeyboardInterrupt:
        raise CommandError(stopped, returncode=130) from None
