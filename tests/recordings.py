"""Real streams and exchanges of vendors, recorded by others, beside the checkout.

They are not part of the repository. `MAESTRO_RECORDINGS` names the directory; without it,
`shared/recordings` beside the checkout is used. A test asks like this:

    @pytest.mark.parametrize("recording", streams("openai_chat"))
    def test_it_decodes_what_the_vendor_sent(recording): ...

Where there are none, the one parameter left is a skip that says what to set.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
DIALECTS = ("openai_responses", "openai_chat", "anthropic_messages", "gemini_generate")


@dataclass(frozen=True)
class Recording:
    """One recorded stream: its bytes, and what a correct client makes of them."""

    dialect: str
    name: str
    path: Path

    @property
    def body(self) -> bytes:
        """The response body, byte for byte."""
        return self.path.read_bytes()

    @property
    def facts(self) -> dict[str, Any]:
        """Where it comes from, with `expected` beside."""
        facts: dict[str, Any] = json.loads(self.path.with_suffix(".json").read_text())
        return facts

    @property
    def expected(self) -> dict[str, Any]:
        """What a correct client makes of the body; the keys are in the README there."""
        expected: dict[str, Any] = self.facts["expected"]
        return expected


@dataclass(frozen=True)
class Exchange:
    """One recorded plain exchange: the request's method and url, and the response."""

    provider: str
    name: str
    path: Path

    @property
    def facts(self) -> dict[str, Any]:
        """`request`, `status`, `headers`, `body`, as recorded."""
        facts: dict[str, Any] = json.loads(self.path.read_text())
        return facts

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.facts["status"])

    @property
    def headers(self) -> dict[str, str]:
        """The response headers that were kept."""
        return dict(self.facts.get("headers") or {})

    @property
    def body(self) -> bytes:
        """The response body as bytes; what was recorded as JSON is written as JSON."""
        body = self.facts["body"]
        return (body if isinstance(body, str) else json.dumps(body)).encode()


def recordings_dir() -> Path | None:
    """Where the recordings are, None when there are none."""
    named = os.environ.get("MAESTRO_RECORDINGS")
    found = Path(named) if named else CHECKOUT.parent / "shared" / "recordings"
    return found if found.is_dir() else None


def streams(dialect: str | None = None) -> list[Any]:
    """Parameters for `parametrize`: every recorded stream, or those of one dialect."""
    root = recordings_dir()
    found = [
        pytest.param(Recording(name, path.stem, path), id=f"{name}/{path.stem}")
        for name in DIALECTS
        if root is not None and dialect in (None, name)
        for path in sorted((root / name).glob("*.sse"))
    ]
    return found or [_skipped(f"recorded streams of {dialect or 'any dialect'}")]


def http_exchanges(provider: str | None = None) -> list[Any]:
    """Parameters for `parametrize`: recorded exchanges, or those with one provider."""
    root = recordings_dir()
    found = [
        pytest.param(
            Exchange(path.parent.name, path.stem, path),
            id=f"{path.parent.name}/{path.stem}",
        )
        for path in sorted((root / "http").glob("*/*.json") if root else [])
        if provider in (None, path.parent.name)
    ]
    return found or [_skipped(f"recorded exchanges with {provider or 'any provider'}")]


def stream(dialect: str, name: str) -> Recording:
    """One recorded stream by name; skips the test when there is none."""
    root = recordings_dir()
    path = root / dialect / f"{name}.sse" if root else None
    if path is None or not path.is_file():
        pytest.skip(_reason(f"the recorded stream {dialect}/{name}"))
    return Recording(dialect, name, path)


def http_exchange(provider: str, name: str) -> Exchange:
    """One recorded exchange by name; skips the test when there is none."""
    root = recordings_dir()
    path = root / "http" / provider / f"{name}.json" if root else None
    if path is None or not path.is_file():
        pytest.skip(_reason(f"the recorded exchange {provider}/{name}"))
    return Exchange(provider, name, path)


def _reason(what: str) -> str:
    where = os.environ.get("MAESTRO_RECORDINGS") or "../shared/recordings"
    return (
        f"no {what.removeprefix('the ')} in {where}: "
        "set MAESTRO_RECORDINGS to the directory that holds the recordings"
    )


def _skipped(what: str) -> Any:
    return pytest.param(
        None, id="no-recordings", marks=pytest.mark.skip(reason=_reason(what))
    )
