"""Unified diffs: read strictly, applied exactly. Pure: texts in, texts out.

Source: https://www.gnu.org/software/diffutils/manual/html_node/Detailed-Unified.html, and
the headers that `git diff` puts before it. Strict: every context and removed line must be
where the hunk says, or elsewhere in exactly one place; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from context_app.tools.base import ToolError

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
# What git writes between files. Renames, copies and binary patches are not texts.
_GIT = ("diff --git ", "index ", "new file mode ", "deleted file mode ", "similarity ")
_GIT_REFUSED = ("rename ", "copy ", "old mode ", "new mode ", "GIT binary ", "Binary ")
_NO_NEWLINE = "\\ No newline at end of file"
_MAX_HUNKS = 2000


@dataclass(slots=True)
class Hunk:
    """One place. `lines` are (sign, text with its line end)."""

    number: int
    header: str
    old_start: int
    lines: list[tuple[str, str]] = field(default_factory=list)

    @property
    def old(self) -> list[str]:
        return [text for sign, text in self.lines if sign != "+"]

    @property
    def new(self) -> list[str]:
        return [text for sign, text in self.lines if sign != "-"]


@dataclass(slots=True)
class FileDiff:
    """What changes in one file. A path is None for /dev/null (made, removed)."""

    old_path: str | None
    new_path: str | None
    hunks: list[Hunk] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The file it is about."""
        return self.new_path or self.old_path or ""

    @property
    def added(self) -> int:
        return sum(sign == "+" for h in self.hunks for sign, _ in h.lines)

    @property
    def removed(self) -> int:
        return sum(sign == "-" for h in self.hunks for sign, _ in h.lines)


def parse(text: str) -> list[FileDiff]:
    """The files of a diff, in its order. Raises ToolError."""
    files = _Parser(text).files()
    if not files:
        raise ToolError("There is no “--- a/…” and “+++ b/…” in the patch.")
    paths = [one.path for one in files]
    if len(set(paths)) != len(paths):
        raise ToolError("The patch names a file twice. Put its hunks together.")
    return files


def apply(change: FileDiff, before: str) -> str:
    """The text afterwards. Raises ToolError that shows the hunk that does not fit."""
    lines = _split(before)
    result: list[str] = []
    done = 0  # lines of the old text that are in the result already
    for hunk in change.hunks:
        at = _place(change, hunk, lines, done)
        result += lines[done:at]
        result += hunk.new
        done = at + len(hunk.old)
    result += lines[done:]
    _check_ends(change, result)
    return "".join(result)


def _split(text: str) -> list[str]:
    """Lines with their ends: a line feed, and nothing else, ends a line."""
    return re.findall(r"[^\n]*\n|[^\n]+\Z", text)


def _place(change: FileDiff, hunk: Hunk, lines: list[str], done: int) -> int:
    old = hunk.old
    # With nothing old, the number is that of the line before (diffutils).
    said = hunk.old_start if not old else hunk.old_start - 1
    if done <= said <= len(lines) and lines[said : said + len(old)] == old:
        return said
    elsewhere = (
        [
            at
            for at in range(done, len(lines) - len(old) + 1)
            if lines[at] == old[0] and lines[at : at + len(old)] == old
        ]
        if old
        else []
    )
    if len(elsewhere) == 1:
        return elsewhere[0]
    raise ToolError(_misfit(change, hunk, lines, said, len(elsewhere)))


def _misfit(
    change: FileDiff, hunk: Hunk, lines: list[str], said: int, places: int
) -> str:
    head = f"Nothing was changed: hunk {hunk.number} of {change.path} ({hunk.header})"
    if places > 1:
        return f"{head} fits in {places} places and not where it says. Add context."
    for offset, line in enumerate(hunk.old):
        at = said + offset
        there = lines[at] if 0 <= at < len(lines) else None
        if there != line:
            found = repr(there[:200]) if there is not None else "the end of the file"
            return (
                f"{head} does not fit. Line {at + 1} should be {line[:200]!r} and is "
                f"{found}. Read the file again."
            )
    return f"{head} does not fit: it begins before the one ahead of it ends."


def _check_ends(change: FileDiff, result: list[str]) -> None:
    """A line without its end may only be the last."""
    if any(not line.endswith("\n") for line in result[:-1]):
        raise ToolError(
            f"Nothing was changed: in {change.path} a line without a line end would come "
            "before others."
        )


class _Parser:
    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        if self._lines[-1] == "":
            self._lines.pop()
        self._at = 0
        self._hunks = 0

    def files(self) -> list[FileDiff]:
        return list(self._files())

    def _files(self) -> Iterator[FileDiff]:
        while (line := self._peek()) is not None:
            if line.startswith("--- "):
                yield self._file()
            elif line.startswith(_GIT) or not line.strip():
                self._at += 1
            elif line.startswith(_GIT_REFUSED):
                raise ToolError(
                    "Renames, modes and binary files cannot be patched here: "
                    f"line {self._at + 1}, {line[:100]!r}."
                )
            else:
                raise ToolError(
                    f"Line {self._at + 1} of the patch is not part of a unified diff: "
                    f"{line[:100]!r}."
                )

    def _file(self) -> FileDiff:
        old = _path(self._take()[4:])
        line = self._peek() or ""
        if not line.startswith("+++ "):
            raise ToolError(f"Line {self._at + 1}: “+++ b/…” must follow “--- a/…”.")
        new = _path(self._take()[4:])
        # The prefixes of git, which are no directories; without both, they may be some.
        if (old or "a/").startswith("a/") and (new or "b/").startswith("b/"):
            old, new = (path and path[2:] for path in (old, new))
        if (old or new) is None or (old and new and old != new):
            raise ToolError("“---” and “+++” must name the same file.")
        found = FileDiff(old, new)
        while (self._peek() or "").startswith("@@"):
            found.hunks.append(self._hunk(len(found.hunks) + 1))
        if not found.hunks:
            raise ToolError(f"There is no hunk (@@ … @@) for {found.path}.")
        return found

    def _hunk(self, number: int) -> Hunk:
        self._hunks += 1
        if self._hunks > _MAX_HUNKS:
            raise ToolError(f"More than {_MAX_HUNKS} hunks: send several patches.")
        header = self._take()
        fit = _HUNK.match(header)
        if fit is None:
            raise ToolError(
                f"Line {self._at} is no hunk header such as @@ -1,3 +1,4 @@: "
                f"{header[:100]!r}."
            )
        hunk = Hunk(number, fit[0], int(fit[1]))
        left = {"-": int(fit[2] or 1), "+": int(fit[4] or 1)}
        while left["-"] > 0 or left["+"] > 0:
            self._line(hunk, left)
        if (self._peek() or "").startswith(_NO_NEWLINE[:2]):
            self._cut_end(hunk)
        if left["-"] or left["+"]:
            raise self._miscounted(hunk)
        return hunk

    def _line(self, hunk: Hunk, left: dict[str, int]) -> None:
        line = self._peek()
        if line is None:
            raise self._miscounted(hunk)
        if line.startswith(_NO_NEWLINE[:2]) and hunk.lines:
            self._cut_end(hunk)
            return
        # Many editors strip the one space of an empty context line.
        sign, text = (line[0], line[1:]) if line else (" ", "")
        if sign not in " +-":
            raise self._miscounted(hunk)
        self._at += 1
        hunk.lines.append((sign, text + "\n"))
        for side in "-+":
            left[side] -= sign in (" ", side)

    def _cut_end(self, hunk: Hunk) -> None:
        self._at += 1
        sign, text = hunk.lines[-1]
        hunk.lines[-1] = (sign, text.removesuffix("\n"))

    def _miscounted(self, hunk: Hunk) -> ToolError:
        return ToolError(
            f"Nothing was changed: hunk {hunk.number} ({hunk.header}) does not have as "
            f"many lines as its header says; see line {self._at + 1} of the patch."
        )

    def _peek(self) -> str | None:
        return self._lines[self._at] if self._at < len(self._lines) else None

    def _take(self) -> str:
        self._at += 1
        return self._lines[self._at - 1]


def _path(text: str) -> str | None:
    """The path of a header, without a time stamp after a tab; None for /dev/null."""
    path = text.partition("\t")[0].rstrip("\r ")
    if path == "/dev/null":
        return None
    if path.startswith('"'):
        raise ToolError("Quoted file names cannot be patched here; use write_file.")
    return path
