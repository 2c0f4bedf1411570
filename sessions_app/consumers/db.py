"""The database from a socket: short work in threads of our own.

Never the web server's thread-sensitive executor: one slow page would hold up every
socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from sessions_app.runs.turns import and_tidy

P = ParamSpec("P")
T = TypeVar("T")

_pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="socket-db")


async def in_db(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call it in a thread that may use the ORM."""
    work = partial(and_tidy, call, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_pool, work)
