"""What the two ways to a server have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

OnChange = Callable[
    [], None
]  # the list of tools may be another one now, or the link over

MAX_UNSOLICITED = 10_000  # messages of a server that nobody asked for, in one answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long one exchange may take: monotonic time of its end, and who may stop it."""

    until: float
    stop: threading.Event


class Link(Protocol):
    """A connection to one server, shared by all threads of this process."""

    # Whether its end may be an everyday thing: a session over, and not a program dead.
    is_light: bool

    def open(self, limits: Limits) -> Mapping[str, Any]:
        """Connect and send `initialize`: its result. Raises McpError."""
        ...

    def opened(self, version: str, limits: Limits, *, tells_changes: bool) -> None:
        """Say that we are ready, in this revision. Raises McpError."""
        ...

    def request(self, method: str, params: Mapping[str, Any], limits: Limits) -> Any:
        """The result of a request. Several may be on their way at once.

        Raises Refused, SessionGone, Ended (the server was told), McpError.
        """
        ...

    @property
    def trouble(self) -> str:
        """Why this connection is over; "" while it is not known to be."""
        ...

    def close(self) -> None:
        """End it. From any thread; requests on their way end. Does not raise."""
        ...
