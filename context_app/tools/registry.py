"""Finds the tools of this installation. A broken drop-in never takes the others down.

Those in files are found once per process; those of MCP servers come and go with them.
"""

from __future__ import annotations

import pkgutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

import context_app.tools as _package
from context_app.mcp import servers
from context_app.tools.base import Tool

ENTRY_POINT_GROUP = "maestro.tools"
_MACHINERY = frozenset({"base", "registry"})

_lock = threading.Lock()
_found: dict[str, Tool] | None = None
_problems: list[str] = []


def tools() -> dict[str, Tool]:
    """Every tool by name. A name that is taken already is not given to an MCP server."""
    return {**{tool.name: tool for tool in servers.tools()}, **_own()}


def problems() -> list[str]:
    """What was found and is no tool, one sentence each; a system check shows them. Asks
    no MCP server."""
    _own()
    return list(_problems)


def forget() -> None:
    """Discover again at the next call (tests, a tool was added)."""
    global _found
    with _lock:
        _found = None
    servers.close()


def _own() -> dict[str, Tool]:
    global _found
    with _lock:
        if _found is None:
            _problems.clear()
            _found = _discover()
        return _found


def _discover() -> dict[str, Tool]:
    found: dict[str, Tool] = {}
    for source, load in _candidates():
        try:
            loaded = load()
        except (Exception, SystemExit) as exc:  # a drop-in may fail in any way
            _problems.append(f"{source} cannot be loaded: {type(exc).__name__}: {exc}")
            continue
        for tool in loaded:
            if not isinstance(tool, Tool):
                _problems.append(f"{source} is no context_app.tools.base.Tool")
            elif tool.name in found:
                _problems.append(f"{source} repeats the name {tool.name!r}")
            else:
                found[tool.name] = tool
    return dict(sorted(found.items()))


def _candidates() -> Iterator[tuple[str, Callable[[], list[object]]]]:
    for info in pkgutil.iter_modules(_package.__path__):
        if info.ispkg or info.name in _MACHINERY or info.name.startswith("_"):
            continue
        name = f"context_app.tools.{info.name}"
        yield name, partial(_of_module, name)
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda p: p.name):
        yield f"entry point {point.name}", partial(_loaded, point)


def _of_module(name: str) -> list[object]:
    module = import_module(name)
    several = getattr(module, "tools", None)
    one = getattr(module, "tool", None)
    return list(several or ([one] if one is not None else []))


def _loaded(point: EntryPoint) -> list[object]:
    loaded = point.load()
    return list(loaded) if isinstance(loaded, list | tuple) else [loaded]
