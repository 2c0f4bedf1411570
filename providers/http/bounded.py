"""What requests for strangers share: an end whatever happens, and words for what failed.

Used by `fetch.py` (web pages) and `mcp.py` (servers that an operator names); vendors have
limits and words of their own.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from providers.errors import ProviderError
from providers.http.connection import Call

_TICK_S = 0.1


@contextlib.contextmanager
def bounded(call: Call, until: float, stop: threading.Event) -> Iterator[None]:
    """Ends the call when its time (monotonic) is up or nobody waits for it any more."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(min(_TICK_S, max(until - time.monotonic(), 0.001))):
            if stop.is_set():
                return call.abort("stopped")
            if time.monotonic() >= until:
                return call.abort("deadline")

    thread = threading.Thread(target=watch, name="http-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def sentence(failure: ProviderError | None, host: str) -> str:
    """What went wrong, without the words that fit a vendor only."""
    if failure is None:
        return f"The answer of {host} broke off or cannot be read."
    if failure.status is not None and 300 <= failure.status < 400:
        return f"{host} points to another address, which is not followed."
    return {
        "tls_untrusted": f"The certificate of {host} is not trusted.",
        "tls": f"There is no secure connection to {host}.",
        "dns": f"The name {host} cannot be found.",
        "connect_refused": f"Nothing answers at {host}.",
        "connect_timeout": f"{host} does not answer.",
        "connect": f"There is no connection to {host}.",
        "read_timeout": f"{host} did not answer in time.",
        "proxy": f"The proxy did not let us through to {host}.",
    }.get(
        failure.vendor_type or "", f"The answer of {host} broke off or cannot be read."
    )
