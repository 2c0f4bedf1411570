"""Places where a test may let this process die, to see what survives (kill -9).

`MAESTRO_FAIL_POINT=<name>` makes the process kill itself when it passes the point of that
name. Unset, which is always but in such tests, passing one costs a comparison.
"""

from __future__ import annotations

import os
import signal

_NAME = os.environ.get("MAESTRO_FAIL_POINT", "")

# In the order in which a refresh passes them.
REFRESH = (
    "refresh.before_send",
    "refresh.sent",
    "refresh.received",
    "refresh.spooled",
    "refresh.stored",
)


def fail_point(name: str) -> None:
    """Die here, if this is the point that was asked for."""
    if _NAME and name == _NAME:
        os.kill(os.getpid(), signal.SIGKILL)
