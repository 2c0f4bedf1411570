"""A query as words, and where they stand in a text. Pure; the same for both databases.

A word of letters and digits is looked up in the index: as a beginning, without accents,
in any case. A word with anything else in it ("a_b", "C++", emoji, scripts without spaces)
must stand in the text as it was typed; the index narrows that down where it can.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

MAX_WORDS = 8
MAX_WORD = 60  # characters
MAX_QUERY = 2000  # what is behind is not read
AROUND = 110  # characters shown on each side of what was found


class Token(NamedTuple):
    """What the index is asked for: letters and digits, lower case, without accents.

    `said`: with them, for an index that takes them off in a way of its own.
    """

    text: str
    said: str
    is_prefix: bool


class Word(NamedTuple):
    """One word of a query. `literal`: it must stand in the text exactly so."""

    tokens: tuple[Token, ...]
    literal: str = ""


class Snippet(NamedTuple):
    """A piece of a text; `marks`: [from, to) of the words in it."""

    text: str
    marks: list[tuple[int, int]]


def parse(query: str) -> list[Word]:
    """The words of what a person typed. Nothing in it is syntax, and nothing an error."""
    found = unicodedata.normalize("NFC", query[:MAX_QUERY])
    kept = (" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in found)
    words = [word[:MAX_WORD] for word in "".join(kept).split()]
    return [_word(text) for text in dict.fromkeys(words)][:MAX_WORDS]


def flat(text: str) -> str:
    """Without accents, every character still in its place."""
    return text if text.isascii() else text.translate(_BASES)


def marks(text: str, words: Sequence[Word]) -> list[tuple[int, int]]:
    """Where the words stand, in order, without overlaps."""
    plain = flat(text)
    found = sorted(
        match.span() for word in words for match in _pattern(word).finditer(plain)
    )
    kept: list[tuple[int, int]] = []
    for start, end in found:
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


def has_all(text: str, words: Sequence[Word]) -> bool:
    """Whether every word stands in it."""
    plain = flat(text)
    return all(_pattern(word).search(plain) for word in words)


def snippet(text: str, words: Sequence[Word], around: int = AROUND) -> Snippet:
    """The place where the first of the words stands, with what is around it."""
    plain = flat(text)
    firsts = [m.start() for m in (_pattern(w).search(plain) for w in words) if m]
    at = min(firsts, default=0)
    start = max(at - around, 0)
    piece = text[start : at + 2 * around]
    piece = "".join(" " if c.isspace() else c for c in piece)
    if start:
        piece = "…" + piece[1:]
    if at + 2 * around < len(text):
        piece = piece[:-1] + "…"
    return Snippet(piece, marks(piece, words))


def _word(text: str) -> Word:
    if any(c.isalnum() and not _is_simple(c) for c in text):
        return Word((), text)  # no spaces tell its words apart: the text itself is read
    runs = [run for run in re.split(r"[\W_]+", text) if run]
    is_whole = len(runs) == 1 and runs[0] == text
    last = len(runs) - 1
    tokens = tuple(
        Token(
            # U+037A begins with a space when it is taken apart, and a space between
            # words without an operator is a syntax error to PostgreSQL.
            flat(unicodedata.normalize("NFKC", run)).lower().replace(" ", ""),
            run.lower(),
            at == last and text.endswith(run) and len(run) > 1,
        )
        for at, run in enumerate(runs)
    )
    return Word(tokens, "" if is_whole else text)


def _is_simple(character: str) -> bool:
    """Of a script whose words stand apart, and that folds alike everywhere."""
    return character < "\u0590" or "\u1e00" <= character < "\u2000"


def _pattern(word: Word) -> re.Pattern[str]:
    if word.literal:
        return re.compile(re.escape(flat(word.literal)), re.IGNORECASE)
    token = word.tokens[0]
    end = "" if token.is_prefix else r"(?![^\W_])"
    return re.compile(rf"(?<![^\W_]){re.escape(token.text)}{end}", re.IGNORECASE)


def _bases() -> dict[int, str]:
    """Letters with accents → the letter, where that is one character for one."""
    found = {}
    for code in (*range(0xC0, 0x530), *range(0x1E00, 0x2000)):
        decomposed = unicodedata.normalize("NFKD", chr(code))
        base = [c for c in decomposed if not "\u0300" <= c <= "\u036f"]
        if len(base) == 1 and base[0] != chr(code):
            found[code] = base[0]
    return found


_BASES = _bases()
