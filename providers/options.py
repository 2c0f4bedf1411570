"""What an operator has set for a vendor: client ids, scopes, switches. By slug.

Configured once at start by `maestro` from its environment variables; a vendor package
reads its own. `providers` as a plain library: call `configure` yourself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from providers.types import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorOptions:
    """`client_id` and `client_secret`: of an OAuth client of the team's own. `scopes`:
    asked for at login. `project`: billed by the vendor. `callback_url`: this
    installation's own address that the vendor sends people back to, where that is
    registered there. `allows`: switches that are off by default.
    """

    client_id: str = ""
    client_secret: Secret | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ()
    project: str = ""
    callback_url: str = ""
    allows: frozenset[str] = frozenset()


_options: Mapping[str, VendorOptions] = {}
_installation: Callable[[], str] = str


def configure(
    options: Mapping[str, VendorOptions], *, installation: Callable[[], str] = str
) -> None:
    """Install the options by vendor. `installation` gives a stable, opaque id of this
    host, asked for when a login needs it; "" when there is none yet."""
    global _options, _installation
    _options = dict(options)
    _installation = installation


def configured() -> Mapping[str, VendorOptions]:
    """All of them, by slug."""
    return dict(_options)


def options_of(slug: str) -> VendorOptions:
    """The options of one vendor; empty ones where nothing is set."""
    return _options.get(slug, VendorOptions())


def installation() -> str:
    """The id of this host for vendors that register installations; "" when unset."""
    return _installation()
