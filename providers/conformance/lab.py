"""The bench a provider is tested on: an emulator process and one credential for it.

Made by `suite.py`, used by `rules.py`. The provider's real code runs, from the request to
the events; only the address of the credential is the emulator's. The emulator is told
what happens next over its control API (`providers/emulator/control.py`) and is never
imported: what is tested must not share code with what tests it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from providers import provider as interface
from providers.chat_stream import ChatStream
from providers.conformance.process import EmulatorProcess
from providers.errors import ConfigurationError
from providers.events import Event
from providers.interface import Provider
from providers.types import Credential, Message, Model, Secret

KEY = "conformance-key-1f0c9a7d"
_IDLE_TIMEOUT_S = 10.0  # no rule waits longer for a provider that never ends
_POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    """Where a dialect is spoken: the vendor's folder, its version, its overload status."""

    vendor: str
    version: str
    overloaded_status: int = 503


_BENCHES = {
    "openai_responses": _Bench(vendor="openai", version="v1"),
    "openai_chat": _Bench(vendor="compatible", version="v1"),
    "anthropic_messages": _Bench(
        vendor="anthropic", version="v1", overloaded_status=529
    ),
    "gemini_generate": _Bench(vendor="gemini", version="v1beta"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request that arrived. `target` with the query; `is_signed`: the key in a header."""

    target: str
    body: str
    is_signed: bool


class Lab:
    """One provider on the bench. Events and errors are those of the interface.

    Raises ConfigurationError for a dialect that the emulator does not speak.
    """

    def __init__(self, manifest: Provider, emulator: EmulatorProcess) -> None:
        self._bench = bench_of(manifest)
        self._emulator = emulator
        self.slug = manifest.slug
        self.overloaded_status = self._bench.overloaded_status
        self.credential = _credential(
            manifest, base_url_at(manifest, emulator.base_url)
        )
        listed = emulator.get("models")[self._bench.vendor]
        self._models: list[str] = listed
        wanted = manifest.default_model
        self.model = wanted if wanted in listed else listed[0]

    def reset(self) -> None:
        """Forget what was queued and what was seen."""
        self._emulator.reset()

    def say(
        self,
        *,
        text: str = "",
        reasoning: str = "",
        calls: Sequence[tuple[str, dict[str, Any]]] = (),
        stop: str = "stop",
        stall_s: float = 0.0,
        piece_bytes: int = 0,
    ) -> None:
        """The next answer. `stall_s`: silence within the text; `piece_bytes`: per write."""
        answer = {
            "text": text,
            "reasoning": reasoning,
            "calls": [{"name": name, "arguments": given} for name, given in calls],
            "stop": stop,
            "stall_s": stall_s,
            "piece_bytes": piece_bytes,
        }
        self._emulator.post("scripts", answer)

    def refuse(self, status: int, *, retry_after_s: float | None = None) -> None:
        """The next request is answered with this status."""
        fault = {"kind": "status", "status": status, "retry_after_s": retry_after_s}
        self._emulator.post("faults", fault)

    def break_stream(self, *, kind: str) -> None:
        """The next stream goes wrong after a few words: cut, stall, error, garbage."""
        self._emulator.post("faults", {"kind": kind})

    def stream(self, messages: Sequence[Message], **options: Any) -> ChatStream:
        """A stream that is not entered yet."""
        options.setdefault("idle_timeout_s", _IDLE_TIMEOUT_S)
        return interface.stream_with(
            self.credential, messages, model=self.model, **options
        )

    def events(self, messages: Sequence[Message], **options: Any) -> Iterator[Event]:
        """The events of one answer. Raises ProviderError."""
        with self.stream(messages, **options) as stream:
            yield from stream

    def models(self) -> Sequence[Model]:
        """What the provider lists."""
        return interface.models_with(self.credential)

    def known_models(self) -> set[str]:
        """What the vendor has."""
        return set(self._models)

    def requests(self) -> list[Seen]:
        """What arrived since the last reset, oldest first."""
        rows = self._emulator.get("requests")["requests"]
        return [
            Seen(
                target=row["target"],
                body=row["body"],
                is_signed=any(
                    value in _SIGNATURES for value in row["headers"].values()
                ),
            )
            for row in rows
        ]

    def sealed(self) -> list[str]:
        """The opaque values that the vendor gave out since the last reset."""
        found: list[str] = self._emulator.get("sealed")["sealed"]
        return found

    def upstream_is_closed(self, *, within_s: float) -> bool:
        """Whether the vendor noticed that the last stream's client went away."""
        deadline = time.monotonic() + within_s
        while True:
            streams = self._emulator.get("streams")["streams"]
            if streams and streams[-1]["how"] == "client_closed":
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)


def is_emulated(manifest: Provider) -> bool:
    """Whether the emulator speaks this provider's dialect."""
    return manifest.dialect in _BENCHES


def bench_of(manifest: Provider) -> _Bench:
    """Where this provider's dialect is spoken. Raises ConfigurationError."""
    found = _BENCHES.get(manifest.dialect)
    if found is None:
        known = ", ".join(sorted(_BENCHES))
        raise ConfigurationError(
            f"{manifest.label} speaks the dialect {manifest.dialect!r}, which the emulator "
            f"does not: it knows {known}. Give the manifest a folder of captured streams "
            "(`captures`, docs/providers.md), and they are replayed instead.",
            provider=manifest.slug,
        )
    return found


def base_url_at(manifest: Provider, emulator_url: str) -> str:
    """The base URL of a credential whose vendor the emulator plays.

    Raises ConfigurationError.
    """
    return emulator_url + _path(manifest, bench_of(manifest))


def _path(manifest: Provider, bench: _Bench) -> str:
    """The vendor's folder, with the version where the vendor's base URL ends in one."""
    last = urlsplit(manifest.base_url or manifest.usual_url).path.rsplit("/", 1)[-1]
    has_version = last[:1] == "v" and last[1:2].isdigit()
    if has_version or bench.vendor == "compatible":
        return f"/{bench.vendor}/{bench.version}"
    return f"/{bench.vendor}"


def _credential(manifest: Provider, base_url: str) -> Credential:
    """By API key, or by login where the vendor has nothing else."""
    if manifest.api_key is not None:
        return interface.build_api_key_credential(
            manifest.slug, "conformance", KEY, base_url=base_url
        )
    return Credential(
        provider=manifest.slug,
        auth_type="oauth",
        name="conformance",
        secrets={"access_token": Secret(KEY)},
        base_url=base_url,
    )


def _hashed(value: str) -> str:
    """As the emulator shows the value of a header that may hold a secret."""
    return "sha256:" + hashlib.sha256(value.encode()).hexdigest()[:16]


_SIGNATURES = {
    form(value) for value in (KEY, f"Bearer {KEY}") for form in (_hashed, str)
}
