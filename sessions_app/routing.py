"""Websockets: the one path, behind the wall of the origin.

Imported by the ASGI entry point, so only a web process gets here: it is also where the
reaper of runs is told to begin, once the server's loop is known.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from maestro import doorbell
from sessions_app.consumers.chat import ChatConsumer
from sessions_app.consumers.origin import OwnOriginOnly
from sessions_app.runs import reaper

SOCKET_PATH = "/ws/chat/"

_chat = ChatConsumer.as_asgi()


async def _route(scope: Any, receive: Any, send: Any) -> None:
    prefix = settings.FORCE_SCRIPT_NAME or ""
    if scope["path"] in (SOCKET_PATH, prefix + SOCKET_PATH):
        await _chat(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.close"})


websocket_application = OwnOriginOnly(_route)

doorbell.when_attached(reaper.start)
