"""What a command audits: files and directories of this machine, or standard input.

The one who runs a command may read what the shell lets them read, so any path is fine;
what goes into a report is a label. Below a directory the rules of
`providers/audit/selection.py` decide, and links are not followed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

from context_app.tools.code_audit import MAX_CHARS, MAX_FILES
from providers.audit.selection import SKIPPED_DIRECTORIES, why_not
from sessions_app.management.support import USAGE


@dataclass(slots=True)
class Found:
    """Texts by label, what was left out, and a name for all of it."""

    name: str = ""
    files: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    chars: int = 0

    def take(self, path: Path, base: Path) -> None:
        """A file, whatever it is called. Raises CommandError when it is too much."""
        label = _label(path, base)
        try:
            data = path.read_bytes()
        except OSError as exc:
            self.left_out[label] = f"it cannot be read ({exc.strerror})"
            return
        if b"\0" in data[:8192]:
            self.left_out[label] = "it is binary"
            return
        text = data.decode("utf-8", "replace")
        self.chars += len(text)
        if self.chars > MAX_CHARS or len(self.files) >= MAX_FILES:
            raise CommandError(
                f"More than {MAX_FILES:,} files or {MAX_CHARS:,} characters of code. "
                "Name less of it.",
                returncode=USAGE,
            )
        self.files[label] = text


def read_stdin() -> str:
    """All of it; bytes that are no UTF-8 become U+FFFD. Raises CommandError."""
    data = sys.stdin.buffer.read(MAX_CHARS * 4 + 1)
    text = data.decode("utf-8", "replace")
    if not text.strip():
        raise CommandError("There is nothing on stdin.", returncode=USAGE)
    return text


def read_paths(paths: Sequence[str]) -> Found:
    """Everything that is named. Raises CommandError for what is not there."""
    found = Found(name=_valid(Path(", ".join(paths))))
    for given in paths:
        path = Path(given)
        if not os.path.exists(given):  # False also for what is no path at all
            raise CommandError(f"There is no {given!r}.", returncode=USAGE)
        if path.is_dir():
            _below(path.resolve(), found)
        elif path.is_file():
            resolved = path.resolve()
            found.take(resolved, resolved.parent)
        else:
            raise CommandError(f"{given!r} is no file or directory.", returncode=USAGE)
    if not found.files:
        reasons = "; ".join(
            f"{p}: {why}" for p, why in list(found.left_out.items())[:5]
        )
        raise CommandError(
            f"There is no code to audit. {reasons}".strip(), returncode=USAGE
        )
    return found


def _below(root: Path, found: Found) -> None:
    for here, directories, names in os.walk(root):
        directories[:] = sorted(
            name
            for name in directories
            if not name.startswith(".") and name not in SKIPPED_DIRECTORIES
        )
        for name in sorted(names):
            path = Path(here, name)
            if name.startswith(".") or path.is_symlink() or not path.is_file():
                continue
            # Judged from the directory on: what lies above it was named on purpose.
            if why := why_not(path.relative_to(root).as_posix(), path.stat().st_size):
                found.left_out[_label(path, root)] = why
            else:
                found.take(path, root)


def _label(path: Path, base: Path) -> str:
    """The path as reports name it: from the workspace on, where the tool calls that wrote
    it are known by that; else from here on; else from what was named."""
    bases = [settings.MAESTRO_WORKSPACE, os.getcwd()]
    for start in (Path(place).resolve() for place in bases if place):
        if path.is_relative_to(start):
            return _valid(path.relative_to(start))
    return _valid(path.relative_to(base))


def _valid(path: Path) -> str:
    return os.fsencode(path.as_posix()).decode("utf-8", "replace")
