"""The servers of this process, from the operator's file: their tools, and how they are.

`context_app.tools.registry` asks for tools, `manage.py mcp` and the admin for states. The
servers are looked for when somebody first asks, in the background; a file that changed
counts after a restart.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable
from itertools import islice

from django.conf import settings

from context_app.mcp import config
from context_app.mcp.definitions import MAX_OFFERED, Definition
from context_app.mcp.schemas import plain
from context_app.mcp.server import Pace, Server, State
from context_app.tools.base import Arguments, Tool, ToolContext

# Once in the life of a process, for its very first runs (which may be those that a restart
# has interrupted, with calls that were approved): so long they wait for the first look.
FIRST_LOOK_S = 3.0
_LEAVE_S = 1.5  # for servers to be told that we go

_lock = threading.Lock()
_servers: list[Server] | None = None
_first_look_until = 0.0


def loaded() -> config.Loaded:
    """What the operator's file says now; empty without one."""
    if not settings.MAESTRO_MCP_FILE:
        return config.Loaded()
    return config.load(
        settings.MAESTRO_MCP_FILE, os.environ, workspace=settings.MAESTRO_WORKSPACE
    )


def start() -> list[Server]:
    """The servers, looked for from now on. Does not wait."""
    global _servers, _first_look_until
    with _lock:
        if _servers is None:
            _servers = [Server(one, pace()) for one in loaded().servers]
            _first_look_until = time.monotonic() + FIRST_LOOK_S
            for server in _servers:
                server.start()
        return _servers


def pace() -> Pace:
    """The time limits of this installation."""
    return Pace(
        connect_s=settings.MAESTRO_MCP_CONNECT_S,
        refresh_s=settings.MAESTRO_MCP_REFRESH_S,
        call_s=settings.MAESTRO_MCP_TIMEOUT_S,
    )


def tools() -> list[Tool]:
    """The tools of the servers that are up, in the order of the file, as many as vendors
    take. Waits for nothing but a process's first look, three seconds at most."""
    servers = start()
    for server in servers:
        server.wait(_first_look_until)
    found = (
        tool_of(server, one)
        for server in servers
        for state in [server.state()]
        if state.is_up
        for one in state.tools.values()
    )
    return list(islice(found, MAX_OFFERED))


def states() -> list[State]:
    """How the servers of this process are, in the order of the file."""
    return [server.state() for server in start()]


def tool_of(server: Server, definition: Definition) -> Tool:
    """A server's tool as one of ours."""
    target = f"mcp:{server.config.name}/{plain(definition.their_name, 256)}"
    return Tool(
        name=definition.name,
        description=definition.description,
        parameters=definition.parameters,
        run=_runner(server, definition),
        risk=definition.risk,
        target_of=lambda arguments: f"{target}@{definition.digest}",
        definition=definition.digest,
    )


def close() -> None:
    """End all connections and processes, within about a second; the next question begins
    anew."""
    global _servers
    with _lock:
        servers, _servers = _servers or [], None
    leaving = [threading.Thread(target=one.close, daemon=True) for one in servers]
    until = time.monotonic() + _LEAVE_S
    for thread in leaving:
        thread.start()
    for thread in leaving:
        thread.join(max(until - time.monotonic(), 0.0))


def _runner(
    server: Server, definition: Definition
) -> Callable[[Arguments, ToolContext], str]:
    def run(arguments: Arguments, context: ToolContext) -> str:
        return server.call(definition, arguments, context)

    return run


def _forget() -> None:
    """A forked process has its parent's connections no more, and a lock of its own."""
    global _lock, _servers
    _lock = threading.Lock()
    _servers = None


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
