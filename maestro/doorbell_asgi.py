"""Introduces the server's event loop to the doorbell, at the first request."""

from __future__ import annotations

import asyncio
from typing import Any

from maestro import doorbell


class RememberLoop:
    """Plain ASGI. Whoever rings later, from any thread, finds this loop."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self._is_known = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not self._is_known:
            doorbell.attach(asyncio.get_running_loop())
            self._is_known = True
        await self.app(scope, receive, send)
