"""How this process talks to the outside: time limits, proxy, certificates, rerouting.

Set once at start by `maestro` from its environment variables (or by a test). Nothing
else is trusted: no proxy variable, no .netrc, no REQUESTS_CA_BUNDLE (S-22).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from providers import VERSION
from providers.errors import ConfigurationError
from providers.http.urls import origin, parse_base_url


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """Times in seconds, sizes in bytes.

    `read_timeout_s`: the longest silence before and within a plain answer; streams bring
    their own idle limit. `total_timeout_s`: a plain exchange from start to end.
    `proxy`: http(s)://[user:password@]host:port for everything but this machine and the
    hosts (or domain ends) in `no_proxy`. `ca_bundle`: a PEM file that replaces the
    bundled authorities. `reroute`: whole origins sent elsewhere, for tests and offline
    checks; the credential's own origin is checked before.
    """

    connect_timeout_s: float = 10.0
    read_timeout_s: float = 60.0
    total_timeout_s: float = 120.0
    max_body_bytes: int = 32 * 1024 * 1024
    max_stream_bytes: int = 512 * 1024 * 1024
    proxy: str = field(default="", repr=False)
    no_proxy: tuple[str, ...] = ()
    ca_bundle: str = ""
    reroute: Mapping[str, str] = field(default_factory=dict)
    user_agent: str = f"maestro/{VERSION}"

    def __post_init__(self) -> None:
        table = {
            origin(source): parse_base_url(to) for source, to in self.reroute.items()
        }
        object.__setattr__(self, "reroute", table)
        if self.proxy:
            _check_proxy(self.proxy)


_lock = threading.Lock()
_settings = HttpSettings()
_generation = 0


def configure(new: HttpSettings) -> None:
    """Install the settings. Open streams keep theirs; new requests take these."""
    global _settings, _generation
    with _lock:
        _settings = new
        _generation += 1


def settings() -> HttpSettings:
    """What is in force now."""
    return _settings


def generation() -> int:
    """Grows with every `configure`: tells the pool that its connections are old."""
    return _generation


def _check_proxy(proxy: str) -> None:
    """The text may hold a password, so no message repeats it."""
    try:
        parts = urlsplit(proxy)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ConfigurationError(
            "The proxy must be an address such as http://proxy.example:3128."
        )
