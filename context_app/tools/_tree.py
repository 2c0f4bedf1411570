"""Walks the workspace: in one order, bounded, never through a link.

Used by listing, glob and grep. Also the glob patterns, which are matched name by name, so
that no pattern can take exponential time.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

from context_app.tools import _paths
from context_app.tools.base import ToolContext, ToolError

MAX_VISITED = 100_000  # entries that one call looks at
MAX_DEPTH = 60
_MAX_ALTERNATIVES = 64
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is in a directory. `parts` from the workspace on; `parent` is a descriptor
    that is open until the walk goes on."""

    parts: tuple[str, ...]
    kind: str  # file, directory, link, other
    size: int
    parent: int

    @property
    def name(self) -> str:
        """The path as it is shown."""
        mark = {"directory": "/", "link": "@", "other": "?"}.get(self.kind, "")
        return _paths.shown("/".join(self.parts)) + mark


class Walk:
    """One walk over a directory. `is_cut` afterwards: there was more than it may see."""

    def __init__(
        self, context: ToolContext, start: object, *, hidden: bool, depth: int
    ) -> None:
        self._root = _paths.root_of(context)
        self._asked = _paths.parts_of(start)
        self._start = _paths.real_parts(self._root, self._asked)
        if _is_hidden(self._start) and not _is_hidden(self._asked):
            raise ToolError("This is a link to something hidden. Ask for it by name.")
        self._hidden = hidden
        self._depth = min(depth, MAX_DEPTH)
        self._stop = context.stop
        self._end = time.monotonic() + context.deadline_s
        self._left = MAX_VISITED
        self.is_cut = False

    def __iter__(self) -> Iterator[Entry]:
        name = "/".join(self._asked)
        with (
            _paths.explained(name),
            _paths.directory(self._root, self._start) as here,
        ):
            yield from self._below(here, self._start, 1)

    def _below(self, here: int, parts: tuple[str, ...], depth: int) -> Iterator[Entry]:
        for entry in self._entries(here, parts):
            self._left -= 1
            late = time.monotonic() > self._end or self._stop.is_set()
            if self._left < 0 or late:
                self.is_cut = True
                return
            yield entry
            if entry.kind != "directory":
                continue
            if depth >= self._depth:
                self.is_cut = self.is_cut or depth >= MAX_DEPTH
                continue
            try:
                below = os.open(entry.parts[-1], _paths.DIRECTORY, dir_fd=here)
            except OSError:  # gone or exchanged in the meantime, or not ours to read
                continue
            try:
                yield from self._below(below, entry.parts, depth + 1)
            finally:
                os.close(below)

    def _entries(self, here: int, parts: tuple[str, ...]) -> list[Entry]:
        found: list[Entry] = []
        with os.scandir(here) as entries:
            for entry in entries:
                if len(found) > self._left:
                    break
                if not self._hidden and entry.name.startswith("."):
                    continue
                # Even when hidden things are asked for, the insides of version control
                # are thousands of names that help nobody.
                if parts != self._start and parts[-1:] == (".git",):
                    continue
                found.append(_entry(entry, parts, here))
        return sorted(found, key=lambda one: os.fsencode(one.parts[-1]))


def matcher(pattern: object) -> Glob:
    """A glob pattern, ready. Raises ToolError when it is none."""
    if not isinstance(pattern, str) or not 0 < len(pattern) <= 500:
        raise ToolError(
            "A pattern is a text of 1 to 500 characters, as in src/**/*.py."
        )
    if pattern.startswith("/") or ".." in pattern.split("/"):
        raise ToolError("A pattern is relative to the workspace, without “..”.")
    return Glob(pattern)


class Glob:
    """`*`, `?` and `[…]` within a name, `**` over directories, `{a,b}` for either."""

    def __init__(self, pattern: str) -> None:
        self._patterns = [
            tuple(part for part in one.split("/") if part not in ("", "."))
            for one in _alternatives(pattern)
        ]

    def fits(self, parts: tuple[str, ...]) -> bool:
        """Whether a path, taken apart, fits."""
        return any(_fits(pattern, parts) for pattern in self._patterns)


def _fits(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Row by row: which lengths of the path the pattern so far accounts for."""
    reached = {0}
    for piece in pattern:
        if piece == "**":
            reached = set(range(min(reached), len(parts) + 1))
        else:
            name = _name(piece)
            reached = {
                at + 1 for at in reached if at < len(parts) and name.match(parts[at])
            }
        if not reached:
            return False
    return len(parts) in reached


@lru_cache(maxsize=512)
def _name(piece: str) -> re.Pattern[str]:
    """`fnmatch` writes patterns whose stars do not backtrack into each other."""
    return re.compile(translate(piece))


def _alternatives(pattern: str) -> list[str]:
    done: list[str] = []
    todo = [pattern]
    while todo:
        one = todo.pop()
        braces = _BRACES.search(one)
        if braces is None:
            done.append(one)
        else:
            before, after = one[: braces.start()], one[braces.end() :]
            todo += [before + choice + after for choice in braces[1].split(",")]
        if len(done) + len(todo) > _MAX_ALTERNATIVES:
            raise ToolError("The pattern has too many alternatives in braces.")
    return done


def _entry(entry: os.DirEntry[str], parts: tuple[str, ...], here: int) -> Entry:
    kind, size = "other", 0
    if entry.is_symlink():
        kind = "link"
    elif entry.is_dir(follow_symlinks=False):
        kind = "directory"
    elif entry.is_file(follow_symlinks=False):
        kind = "file"
        try:
            size = entry.stat(follow_symlinks=False).st_size
        except OSError:
            size = 0
    return Entry((*parts, entry.name), kind, size, here)


def _is_hidden(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") for part in parts)
