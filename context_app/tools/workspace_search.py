"""grep over the workspace, with Python's regular expressions.

`re` can take exponential time for a bad pattern and holds the interpreter meanwhile, so
the search happens in a child process (`_grep_child.py`) that is killed when its time is
up. Files are opened here, by the rules of `_paths.py`; the child gets texts only.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from context_app import pipes
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
from context_app.tools.workspace_files import HIDDEN, PATH, schema, whole

_CHILD = Path(__file__).with_name("_grep_child.py")
_LIMIT_S = 20.0  # of a whole search
_TICK_S = 0.1
_MAX_MATCHES = 500


class _Search:
    """The child process and the conversation with it. A context manager."""

    def __init__(
        self, pattern: str, *, ignore_case: bool, limit_s: float, stop: threading.Event
    ) -> None:
        self._end = time.monotonic() + limit_s
        self._limit_s = limit_s
        self._stop = stop
        self._unread = b""
        self._process = subprocess.Popen(  # noqa: S603 -- our own script
            [sys.executable, "-I", "-S", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
        )
        try:
            asked = {"pattern": pattern, "ignore_case": ignore_case}
            answer = self._ask(json.dumps(asked).encode() + b"\n")
            if answer["error"]:
                raise ToolError(f"The pattern cannot be used: {answer['error']}.")
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def lines(self, text: bytes) -> list[tuple[int, str]]:
        """(line number, line) for every line of `text` that fits."""
        answer = self._ask(struct.pack(">I", len(text)) + text)
        return [(int(number), str(line)) for number, line in answer]

    def _ask(self, sent: bytes) -> Any:
        """The child reads a text whole before it looks at it: writing never waits long."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        try:
            stdin.write(sent)
            stdin.flush()
        except OSError:
            raise ToolError("The search broke: the pattern needs too much.") from None
        while b"\n" not in self._unread:
            if self._stop.is_set():
                raise ToolError("The search was stopped.")
            if time.monotonic() > self._end:
                raise ToolError(
                    f"The search took more than {self._limit_s:.0f} s and was ended. "
                    "Make the pattern simpler (no nested repetition), or search less."
                )
            if pipes.readable([stdout], _TICK_S):
                data = stdout.read1(65536)  # type: ignore[attr-defined]
                if not data:
                    raise ToolError("The search broke: the pattern needs too much.")
                self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return json.loads(line)

    def _close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what could not be written any more
                    continue


class _Sources:
    """The texts to search, one after the other, and why others are left out."""

    def __init__(self, arguments: Arguments, context: ToolContext) -> None:
        self._root = _paths.root_of(context)
        self._start = arguments.get("path") or "."
        self._parts = _paths.real_parts(self._root, _paths.parts_of(self._start))
        self._glob = matcher(arguments.get("glob") or "**")
        self._hidden = bool(arguments.get("hidden"))
        self._context = context
        self.searched = 0
        self.left_out = 0  # binary, too long, gone, or likely to hold secrets
        self.refused = 0  # by a rule
        self.is_cut = False

    def check(self) -> None:
        """Raises ToolError when a rule refuses the place itself."""
        for name in self._names():
            if why := self._context.refused(name):
                raise ToolError(f"This is not searched here: {why}")

    def names(self) -> Iterator[str]:
        """What would be searched, by whatever name."""
        yield from self._names()
        if not self._is_file():
            for entry in self._entries():
                if not _paths.is_secret(entry.name):
                    yield entry.name

    def _names(self) -> tuple[str, ...]:
        real = "/".join(self._parts)
        return tuple(dict.fromkeys((_paths.spelled(self._start), real or ".")))

    def _is_file(self) -> bool:
        return os.path.isfile(os.path.join(self._root, *self._parts))

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        if self._is_file():
            contents: Iterator[_paths.Content | None] = iter(
                [_paths.read(self._root, self._start)]
            )
        else:
            contents = self._below()
        for content in contents:
            if content is None or content.is_binary:
                self.left_out += 1
            else:
                self.searched += 1
                yield _paths.shown(content.name), content.data

    def _below(self) -> Iterator[_paths.Content | None]:
        for entry in self._entries():
            if self._context.refused(entry.name):
                self.refused += 1
                continue
            # Nobody named this file, so nobody was asked about it.
            yield None if _paths.is_secret("/".join(entry.parts)) else _content(entry)

    def _entries(self) -> Iterator[Entry]:
        walk = Walk(self._context, self._start, hidden=self._hidden, depth=60)
        above = len(self._parts)
        for entry in walk:
            if entry.kind == "file" and self._fits(entry.parts[above:]):
                yield entry
        self.is_cut = walk.is_cut

    def _fits(self, parts: tuple[str, ...]) -> bool:
        return self._glob.fits(parts) or self._glob.fits(parts[-1:])


def _content(entry: Entry) -> _paths.Content | None:
    try:
        return _paths.read_at(entry.parent, entry.parts[-1], "/".join(entry.parts))
    except (ToolError, OSError):
        return None


def _run(arguments: Arguments, context: ToolContext) -> str:
    pattern = arguments.get("pattern")
    if not isinstance(pattern, str) or not 0 < len(pattern) <= 1000:
        raise ToolError("pattern must be a text of 1 to 1000 characters.")
    most = whole(arguments, "max_matches", 100, 1, _MAX_MATCHES)
    sources = _Sources(arguments, context)
    sources.check()
    limit_s = min(_LIMIT_S, context.deadline_s)
    ignore_case = bool(arguments.get("ignore_case"))
    rows: list[str] = []
    with _Search(
        pattern, ignore_case=ignore_case, limit_s=limit_s, stop=context.stop
    ) as search:
        for name, data in sources:
            rows += [f"{name}:{n}: {line}" for n, line in search.lines(data)]
            if len(rows) >= most:
                sources.is_cut = True
                break
    return _told(rows[:most], sources)


def _told(rows: list[str], sources: _Sources) -> str:
    matches = "1 match" if len(rows) == 1 else f"{len(rows)} matches"
    head = f"{matches} in {sources.searched} files searched"
    if sources.left_out:
        head += f"; {sources.left_out} left out (binary, too long, or secrets)"
    if sources.refused:
        head += f"; {sources.refused} left out because of a rule"
    if sources.is_cut:
        head += "; there may be more: narrow it down"
    return cut("\n".join([head, *rows]), MAX_RESULT - 1000)


def _reads(arguments: Arguments, context: ToolContext) -> Iterator[str]:
    return _Sources(arguments, context).names()


def _risk(arguments: Arguments) -> Risk:
    return "medium" if _paths.is_secret(arguments.get("path")) else "low"


def _target(arguments: Arguments) -> str:
    where = _paths.spelled(arguments.get("path") or ".")
    return f"{where}: {_paths.shown(str(arguments.get('pattern', '')))}"


tool = Tool(
    name="grep",
    description=(
        "Search the text files of the workspace for a regular expression (Python's re), "
        "line by line."
    ),
    parameters=schema(
        ["pattern"],
        pattern={"type": "string", "description": "Regular expression, one line."},
        path={**PATH, "description": "File or directory; default: the workspace."},
        glob={"type": "string", "description": "Only such files, as in *.py."},
        ignore_case={"type": "boolean", "description": "Default: false."},
        hidden=HIDDEN,
        max_matches={"type": "integer", "description": "1 to 500. Default: 100."},
    ),
    run=_run,
    reads_of=_reads,
    risk_of=_risk,
    target_of=_target,
    needs_workspace=True,
)
