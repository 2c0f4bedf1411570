"""Looking at the workspace: what is there, and what a file says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from context_app.tools import _paths
from context_app.tools._tree import Entry, Walk, matcher
from context_app.tools.base import (
    MAX_RESULT,
    Arguments,
    Risk,
    Tool,
    ToolContext,
    ToolError,
    cut,
)

_MAX_ENTRIES = 1000
_MAX_LINES = 2000
_MAX_LINE = 2000  # characters of one line
_RESULT = MAX_RESULT - 1000


def whole(arguments: Arguments, name: str, default: int, least: int, most: int) -> int:
    """A whole number of the arguments, brought between its limits. Raises ToolError."""
    value = arguments.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise ToolError(f"{name} must be a whole number.")
    return max(least, min(most, value))


def _list(arguments: Arguments, context: ToolContext) -> str:
    start = arguments.get("path") or "."
    depth = whole(arguments, "depth", 1, 1, 20)
    hidden = bool(arguments.get("hidden"))
    walk = Walk(context, start, hidden=hidden, depth=depth)
    return _listed(list(_bounded(walk)), walk, f"in {_paths.spelled(start)}")


def _glob(arguments: Arguments, context: ToolContext) -> str:
    start = arguments.get("path") or "."
    pattern = matcher(arguments.get("pattern"))
    asked = str(arguments["pattern"])
    hidden = bool(arguments.get("hidden"))
    walk = Walk(context, start, hidden=hidden, depth=60)
    above = len(_paths.real_parts(_paths.root_of(context), _paths.parts_of(start)))
    fitting = (entry for entry in walk if pattern.fits(entry.parts[above:]))
    found = list(_bounded(walk, fitting))
    return _listed(found, walk, f"that fit {_paths.shown(asked)}")


def _bounded(walk: Walk, entries: Any = None) -> Any:
    for count, entry in enumerate(entries if entries is not None else walk):
        if count >= _MAX_ENTRIES:
            walk.is_cut = True
            return
        yield entry


def _listed(entries: list[Entry], walk: Walk, what: str) -> str:
    rows = [
        f"{entry.name}\t{entry.size:,} bytes" if entry.kind == "file" else entry.name
        for entry in entries
    ]
    more = " (and more: narrow it down)" if walk.is_cut else ""
    noun = "entry" if len(rows) == 1 else "entries"
    return cut("\n".join([f"{len(rows)} {noun} {what}{more}", *rows]), _RESULT)


def _read(arguments: Arguments, context: ToolContext) -> str:
    first = whole(arguments, "first_line", 1, 1, 10**9)
    count = whole(arguments, "lines", _MAX_LINES, 1, _MAX_LINES)
    content = _opened(arguments.get("path"), context)
    name = _paths.shown(content.name)
    if content.is_binary:
        return f"{name} is binary: {content.size:,} bytes, not shown."
    lines = content.text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if first > max(len(lines), 1):
        raise ToolError(f"{name} has {len(lines)} lines only.")
    shown: list[str] = []
    room = _RESULT
    for line in lines[first - 1 : first - 1 + count]:
        text = cut(line, _MAX_LINE)
        room -= len(text) + 1
        if room < 0:
            break
        shown.append(text)
    last = first + len(shown) - 1
    head = f"{name}: lines {first} to {last} of {len(lines)}, {content.size:,} bytes"
    if last < len(lines):
        head += f"; go on with first_line {last + 1}"
    return "\n".join([head, *shown]) if lines else f"{name} is empty."


def _opened(path: object, context: ToolContext) -> _paths.Content:
    """The file; not by a link to one that a rule refuses to read. Raises ToolError."""
    root = _paths.root_of(context)
    asked = _paths.parts_of(path)
    real = _paths.real_parts(root, asked)
    if real != asked and (why := context.refused("/".join(real))):
        raise ToolError(f"This is a link to a file that is not read here: {why}")
    return _paths.read(root, path)


def _reads(arguments: Arguments, context: ToolContext) -> Iterator[str]:
    """The file behind a link; one that was named is the call's target."""
    root, asked = _paths.root_of(context), _paths.parts_of(arguments.get("path"))
    real = _paths.real_parts(root, asked)
    if real != asked:
        yield "/".join(real)


def _target(arguments: Arguments) -> str:
    return _paths.spelled(arguments.get("path") or ".")


def _glob_target(arguments: Arguments) -> str:
    pattern = _paths.shown(str(arguments.get("pattern", "")))
    return f"{_target(arguments)}: {pattern}"


def _read_risk(arguments: Arguments) -> Risk:
    """What is read goes to a vendor: keys and passwords are worth a question."""
    return "medium" if _paths.is_secret(arguments.get("path")) else "low"


def schema(required: list[str], **properties: Any) -> dict[str, Any]:
    """A JSON Schema object of these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


PATH = {"type": "string", "description": "Relative to the workspace, as in src/app."}
HIDDEN = {
    "type": "boolean",
    "description": "Also names that begin with a dot. Default: false.",
}

tools = [
    Tool(
        name="list_files",
        description="What is in a directory of the workspace: names and sizes.",
        parameters=schema(
            [],
            path={**PATH, "description": "Directory; default: the workspace itself."},
            depth={
                "type": "integer",
                "description": "How many levels down, 1 to 20. Default: 1.",
            },
            hidden=HIDDEN,
        ),
        run=_list,
        target_of=_target,
        needs_workspace=True,
    ),
    Tool(
        name="glob_files",
        description="Find files of the workspace by a pattern of their path.",
        parameters=schema(
            ["pattern"],
            pattern={
                "type": "string",
                "description": "For example src/**/*.py or **/*.{js,css}; relative to path.",
            },
            path={**PATH, "description": "Where to begin; default: the workspace."},
            hidden=HIDDEN,
        ),
        run=_glob,
        target_of=_glob_target,
        needs_workspace=True,
    ),
    Tool(
        name="read_file",
        description="The text of a file of the workspace, whole or some of its lines.",
        parameters=schema(
            ["path"],
            path=PATH,
            first_line={"type": "integer", "description": "From 1. Default: 1."},
            lines={"type": "integer", "description": "How many. Default: 2000."},
        ),
        run=_read,
        reads_of=_reads,
        risk_of=_read_risk,
        target_of=_target,
        needs_workspace=True,
    ),
]
