"""Unified diffs as numbered lines of the new side. Pure.

    --- a/old          removed lines are shown to the model (number 0), so that it sees
    +++ b/new          what went away; findings stand on the new side only.
    @@ -1,4 +1,5 @@

Source: https://www.gnu.org/software/diffutils/manual/html_node/Detailed-Unified.html and
git's extended headers (git-diff, "Generating patch text with -p").
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_NAMED = {"t": "\t", "n": "\n", "r": "\r"}


class Line(NamedTuple):
    """One line. `number` from 1 on the side that is audited; 0 for a removed one."""

    number: int
    text: str
    mark: Literal["|", "+", "-"] = "|"


def looks_like_diff(text: str) -> bool:
    """Whether a text is a unified diff: a pair of file headers before a hunk."""
    return (
        re.search(r"^--- \S.*\n\+\+\+ \S.*\n@@ -\d", text.replace("\r\n", "\n"), re.M)
        is not None
    )


def read_diff(text: str) -> list[tuple[str, list[Line]]]:
    """(path of the new side, its lines) for every file. Deleted files are left out."""
    files: dict[str, list[Line]] = {}
    lines = text.replace("\r\n", "\n").split("\n")
    current: list[Line] = []
    at = 0
    while at < len(lines):
        hunk = _HUNK.match(lines[at])
        if hunk:
            at = _read_hunk(lines, at + 1, hunk, current)
            continue
        if lines[at].startswith("+++ ") and at and lines[at - 1].startswith("--- "):
            path = _path(lines[at - 1][4:], lines[at][4:])
            current = files.setdefault(path, []) if path else []
        at += 1
    return list(files.items())


def _read_hunk(lines: list[str], at: int, hunk: re.Match[str], into: list[Line]) -> int:
    """Take one hunk in by its counts, so that no line of code ends it; where it ends."""
    old = int(hunk[1] or 1) if hunk[1] != "0" else 0
    number = int(hunk[2])
    new = int(hunk[3] or 1) if hunk[3] != "0" else 0
    while at < len(lines) and (old > 0 or new > 0):
        line = lines[at]
        at += 1
        match line[:1]:
            case "+":
                into.append(Line(number, line[1:], "+"))
                number, new = number + 1, new - 1
            case "-":
                into.append(Line(0, line[1:], "-"))
                old -= 1
            case "\\":  # "\ No newline at end of file"
                pass
            case _:  # context; editors strip the space of an empty line
                into.append(Line(number, line[1:]))
                number, new, old = number + 1, new - 1, old - 1
    return at


def _path(old_header: str, new_header: str) -> str:
    """The path of the new side, "" for a deleted file."""
    old, new = _named(old_header), _named(new_header)
    if new == "/dev/null":
        return ""
    has_prefix = new.startswith("b/") and (old.startswith("a/") or old == "/dev/null")
    return new[2:] if has_prefix else new


def _named(header: str) -> str:
    """The path in a file header, without the time that may follow it."""
    path = header.split("\t", maxsplit=1)[0].strip()
    if len(path) > 1 and path.startswith('"') and path.endswith('"'):
        return _unquoted(path[1:-1])
    return path


def _unquoted(path: str) -> str:
    """git quotes bytes beyond ASCII as octal numbers."""

    def plain(found: re.Match[str]) -> str:
        code = found[1]
        return chr(int(code, 8) & 255) if code.isdigit() else _NAMED.get(code, code)

    raw = _ESCAPE.sub(plain, path)
    try:
        return raw.encode("latin-1").decode()
    except UnicodeError:
        return raw
