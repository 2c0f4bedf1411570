"""A large source in pieces that fit a request, cut where the code has a seam. Pure.

    files ──▶ excerpts (a file, or a part of a large one) ──▶ pieces (excerpts together)

Small files share a piece in the order of their paths, so that neighbours are seen together.
Sizes are estimated from characters: code has about three to a token.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from providers.audit.diff import Line
from providers.audit.source import SourceFile
from providers.types import Model

CHARS_PER_TOKEN = 3
LINE_OVERHEAD = 7  # the number and its mark, in characters
UNKNOWN_PIECE_TOKENS = 10_000  # for a model of which we know nothing
MAX_PIECE_TOKENS = 40_000  # beyond it models overlook more than they find
MIN_PIECE_TOKENS = 300
_SEAM = 4  # a cut may come this part of a piece earlier to find a better place


class Excerpt(NamedTuple):
    """Lines of one file that stand together. `first`: index of the first in the file."""

    file: SourceFile
    first: int
    lines: Sequence[Line]

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last line number; (0, 0) where all were removed."""
        numbers = [line.number for line in self.lines if line.number]
        return (numbers[0], numbers[-1]) if numbers else (0, 0)

    @property
    def chars(self) -> int:
        return sum(map(_chars, self.lines))


Piece = tuple[Excerpt, ...]


def piece_tokens(facts: Model | None) -> int:
    """How large a piece may be for a model: a third of its window, within reason."""
    window = facts.context_window if facts else None
    if not window:
        return UNKNOWN_PIECE_TOKENS
    return max(min(window // 3, MAX_PIECE_TOKENS), MIN_PIECE_TOKENS)


def split(files: Iterable[SourceFile], tokens: int) -> list[Piece]:
    """All files in pieces of at most about `tokens`. A single line is never cut."""
    limit = max(tokens, MIN_PIECE_TOKENS) * CHARS_PER_TOKEN
    pieces: list[Piece] = []
    current: list[Excerpt] = []
    size = 0
    for file in files:
        for excerpt in _excerpts(file, 0, file.lines, limit):
            if current and size + excerpt.chars > limit:
                pieces.append(tuple(current))
                current, size = [], 0
            current.append(excerpt)
            size += excerpt.chars
    return [*pieces, tuple(current)] if current else pieces


def halves(piece: Piece) -> list[Piece]:
    """A piece that was too large, in two; [] where it is a single line."""
    if len(piece) > 1:
        middle = len(piece) // 2
        return [piece[:middle], piece[middle:]]
    file, first, lines = piece[0]
    if len(lines) < 2:
        return []
    at = _seam(lines, len(lines) // 2)
    return [
        (Excerpt(file, first, lines[:at]),),
        (Excerpt(file, first + at, lines[at:]),),
    ]


def _excerpts(
    file: SourceFile, first: int, lines: Sequence[Line], limit: int
) -> list[Excerpt]:
    found: list[Excerpt] = []
    begin = size = 0
    at = 0
    while at < len(lines):
        size += _chars(lines[at])
        if size > limit and at > begin:
            cut = begin + _seam(lines[begin:at], at - begin)
            found.append(Excerpt(file, first + begin, lines[begin:cut]))
            begin = at = cut
            size = 0
            continue
        at += 1
    found.append(Excerpt(file, first + begin, lines[begin:]))
    return found


def _seam(lines: Sequence[Line], wanted: int) -> int:
    """Where to cut at or shortly before `wanted`: before the least indented line that
    follows an empty one. Never 0."""
    lowest = max(wanted - wanted // _SEAM, 1)
    best, best_indent = wanted, None
    for at in range(wanted, lowest - 1, -1):
        if at >= len(lines) or not lines[at].text.strip() or lines[at - 1].text.strip():
            continue
        text = lines[at].text.expandtabs(4)
        indent = len(text) - len(text.lstrip())
        if best_indent is None or indent < best_indent:
            best, best_indent = at, indent
    return best


def _chars(line: Line) -> int:
    return len(line.text) + LINE_OVERHEAD
