"""A verdict on one claim: what was promised, whether it held, what was seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

import msgspec
from django.core.management.base import CommandError

from providers.errors import ProviderError
from sessions_app.errors import ServiceError

Result = Literal["ok", "failed", "skipped"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`seen`: the fact behind it. `skipped`: there was nothing to check, or an earlier
    claim failed that this one builds on."""

    name: str
    promise: str
    result: Result
    seen: str = ""
    took_s: float = 0.0

    def line(self) -> str:
        """For a person: `ok       models     12 models`."""
        took = f" ({self.took_s:.1f} s)" if self.took_s >= 0.05 else ""
        return f"{self.result:<8} {self.name:<10} {self.seen}{took}"


class Broken(Exception):
    """A promise is not kept; the message says what was seen."""


class Skipped(Exception):
    """There is nothing to check here; the message says why."""


def must(claim: bool, seen: str) -> None:
    """Raise Broken with what was seen unless the claim holds."""
    if not claim:
        raise Broken(seen)


def judge(name: str, promise: str, work: Callable[[], str]) -> Verdict:
    """The verdict on what `work` does: it returns what it saw, or raises.

    What a vendor or a service refuses is a verdict; a bug stays a traceback.
    """
    started = time.monotonic()
    result: Result = "failed"
    try:
        seen, result = work(), "ok"
    except Skipped as exc:
        seen, result = str(exc), "skipped"
    except (Broken, CommandError) as exc:
        seen = str(exc)
    except (ProviderError, ServiceError) as exc:
        seen = f"{type(exc).__name__}: {exc.message}"
    return Verdict(
        name=name,
        promise=promise,
        result=result,
        seen=seen,
        took_s=round(time.monotonic() - started, 3),
    )


class Claims:
    """Judges claims one after the other and tells each as it is known."""

    def __init__(
        self, into: list[Verdict], tell: Callable[[str], None], indent: str = "  "
    ) -> None:
        self._into = into
        self._tell = tell
        self._indent = indent

    def add(self, name: str, promise: str, work: Callable[[], str]) -> bool:
        """Whether it holds."""
        verdict = judge(name, promise, work)
        self._into.append(verdict)
        self._tell(self._indent + verdict.line())
        return verdict.result == "ok"

    def skip(self, why: str, *claims: tuple[str, str]) -> None:
        """Claims that cannot be looked at, because another does not hold."""

        def skipped() -> str:
            raise Skipped(why)

        for name, promise in claims:
            self.add(name, promise, skipped)
