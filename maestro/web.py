"""The web process: Daphne, started through its own class.

`"daphne"` is not in INSTALLED_APPS, because that would import Twisted into every
management command.
"""

from __future__ import annotations

import logging
import os
import time
from urllib.parse import urlsplit

from maestro import memory

log = logging.getLogger(__name__)


def serve(host: str, port: int) -> None:
    """Serve until SIGTERM. `host` may be an IPv6 address."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maestro.settings")
    memory.share_heaps()
    # Imported here: Twisted chooses its reactor when it is first imported.
    from maestro.daphne_limits import PING_S, LimitedServer  # isort: skip
    from django.conf import settings

    from context_app.mcp import servers
    from maestro.asgi import application
    from sessions_app import presence
    from sessions_app.consumers import guard
    from sessions_app.consumers.socket import Close
    from sessions_app.runs import executor

    async def farewell() -> None:
        executor.executor.is_shut = True  # no new answers from here on
        await guard.end_all(Close.RESTARTING)

    interface = host.replace(":", "\\:")
    server = LimitedServer(
        limits=settings.BODY_LIMITS,
        on_stop=farewell,
        application=application,
        endpoints=[f"tcp:port={port}:interface={interface}"],
        verbosity=1,
        ping_interval=PING_S,
        websocket_timeout=-1,  # a chat may stay open for days
        application_close_timeout=5,
        server_name="maestro",
        root_path=urlsplit(settings.MAESTRO_URL).path.rstrip("/"),
    )
    presence.here.begin(presence.Role.WEB)
    servers.start()  # looked for in the background, before the first question
    try:
        server.run()
    finally:  # here and not at exit: a supervised child leaves by os._exit
        _let_go()


def _let_go() -> None:
    """End or hand over what is under way here; within the ten seconds of the supervisor."""
    from context_app.mcp import servers
    from providers import refresh
    from sessions_app import presence
    from sessions_app.runs import executor
    from sessions_app.runs.audits import at_work

    end = time.monotonic() + 8.0
    at_work.stop_all()
    executor.shutdown(timeout_s=7.0)
    at_work.wait_until_idle(1.0)
    refresh.wait_until_idle(max(1.0, end - time.monotonic()))
    presence.here.end()
    servers.close()
