"""What is audited: text, files or a unified diff, as numbered lines. Pure; opens nothing.

Paths are labels. One that leads outside (absolute, `..`, a drive) or holds control
characters is left out and named, so that no report carries it to a door that believes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

import msgspec

from providers.audit.diff import Line, looks_like_diff, read_diff
from providers.audit.languages import language_of
from providers.audit.report import NotRead
from providers.errors import ConfigurationError

Kind = Literal["text", "files", "diff"]
MAX_LINE_CHARS = 10_000  # beyond it a file is data or was minified
MAX_PATH_CHARS = 400


class SourceFile(NamedTuple):
    """A file, or what a diff shows of it: then numbers have gaps, and 0 is a removed line."""

    path: str
    language: str
    lines: list[Line]


class Source(msgspec.Struct, frozen=True):
    """All there is to audit, and what was left out by rule."""

    kind: Kind
    files: list[SourceFile]
    left_out: list[NotRead]


def read_source(
    source: str | Mapping[str, str],
    *,
    kind: str = "",
    name: str = "source",
    paths: Sequence[str] = (),
    languages: Mapping[str, str] | None = None,
) -> Source:
    """The source in its parts. `kind` "" tells a diff from text by its form.

    `name`: the path of a text. `paths`: patterns (`src/*.py`), of which one must fit.
    Raises ConfigurationError when nothing is left to audit, with the reasons.
    """
    hints = dict(languages or {})
    found, texts = _parts(source, kind, name)
    files: list[SourceFile] = []
    left_out: list[NotRead] = []
    for raw_path, lines in texts:
        path = clean_path(raw_path)
        why = _unfit(path, lines, paths)
        if why:
            shown = path or _printable(raw_path)
            left_out.append(NotRead(file=shown, why=why, is_failure=False))
        else:
            files.append(SourceFile(path, language_of(path, hints), lines))
    if not files:
        reasons = "; ".join(f"{part.file}: {part.why}" for part in left_out[:5])
        raise ConfigurationError(f"There is nothing to audit. {reasons}".strip())
    return Source(found, sorted(files), left_out)


def clean_path(path: str) -> str:
    """The path in one form, "" for one that leads outside or cannot be shown."""
    plain = re.sub(r"/+", "/", path.replace("\\", "/").strip())
    while plain.startswith("./"):
        plain = plain[2:]
    parts = plain.split("/")
    is_outside = plain.startswith("/") or ".." in parts or ":" in parts[0]
    if is_outside or not plain.isprintable() or len(plain) > MAX_PATH_CHARS:
        return ""
    return plain.rstrip("/")


def _parts(
    source: str | Mapping[str, str], kind: str, name: str
) -> tuple[Kind, list[tuple[str, list[Line]]]]:
    if not isinstance(source, str):
        if kind not in ("", "files"):
            raise ConfigurationError(f"audit_code(): a {kind} is given as one text.")
        return "files", [(path, plain_lines(text)) for path, text in source.items()]
    if kind == "diff" or (not kind and looks_like_diff(source)):
        return "diff", read_diff(source)
    return "text", [(name, plain_lines(source))]


def plain_lines(text: str) -> list[Line]:
    """The lines of a text, numbered from 1, as editors number them."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")
    return [Line(i, line) for i, line in enumerate(unified.split("\n"), 1)]


def _unfit(path: str, lines: list[Line], paths: Sequence[str]) -> str:
    """Why a file is not audited; "" for one that is."""
    if not path:
        return "its path leads outside or cannot be shown"
    if paths and not any(fnmatchcase(path, pattern) for pattern in paths):
        return "no pattern of `paths` fits it"
    if not any(line.text.strip() for line in lines):
        return "it is empty"
    if any("\0" in line.text for line in lines):
        return "it is binary"
    if any(len(line.text) > MAX_LINE_CHARS for line in lines):
        return f"a line has more than {MAX_LINE_CHARS} characters"
    return ""


def _printable(path: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in path)[:MAX_PATH_CHARS] or "?"
