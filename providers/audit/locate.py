"""Where the code that a model quotes really stands. Pure.

White space is ignored, because models wrap and indent anew; everything else must be there,
in one stretch of lines that the model was shown. What is not found is not evidence.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from providers.audit.fingerprint import squeezed
from providers.audit.split import Excerpt

MIN_EVIDENCE_CHARS = 3
# A number and a mark that a model copied with the code (see prompt.numbered).
_NUMBERED = re.compile(r"\s{0,6}\d{1,7}[|+] ?")
_GAP = "\0"  # stands between lines that are not neighbours; no evidence contains it


class Place(NamedTuple):
    """Where evidence stands: the excerpt, and indexes of its first and last line in it."""

    excerpt: Excerpt
    first: int
    last: int

    @property
    def start_line(self) -> int:
        return self.excerpt.lines[self.first].number

    @property
    def end_line(self) -> int:
        return self.excerpt.lines[self.last].number

    @property
    def code(self) -> str:
        """The lines as they stand in the source, whole, without removed ones."""
        lines = self.excerpt.lines[self.first : self.last + 1]
        return "\n".join(line.text for line in lines if line.mark != "-")


def locate(evidence: str, shown: Iterable[Squeezed], near: int) -> Place | None:
    """The place of the evidence closest to line `near`; None where it does not stand."""
    wanted = squeezed(plain_evidence(evidence))
    if len(wanted) < MIN_EVIDENCE_CHARS or not re.search(r"\w", wanted):
        return None
    places = [place for text in shown for place in text.places(wanted)]
    return min(places, key=lambda p: abs(p.start_line - near), default=None)


def plain_evidence(evidence: str) -> str:
    """The quoted code without a fence around it and without numbers in front."""
    lines = evidence.strip("\n").split("\n")
    if len(lines) > 1 and lines[0].lstrip().startswith("```"):
        lines = lines[1:]
        if lines[-1].strip() == "```":
            lines = lines[:-1]
    filled = [line for line in lines if line.strip()]
    if filled and all(_NUMBERED.match(line) for line in filled):
        lines = [_NUMBERED.sub("", line, count=1) for line in lines]
    return "\n".join(lines)


class Squeezed:
    """An excerpt without white space, and which line each character came from."""

    def __init__(self, excerpt: Excerpt) -> None:
        self.path = excerpt.file.path
        self._excerpt = excerpt
        self._starts: list[int] = []  # where in the text each kept line begins
        self._indexes: list[int] = []  # its index in the excerpt
        self._text = self._squeeze()

    def _squeeze(self) -> str:
        pieces: list[str] = []
        size = 0
        before = None
        for index, line in enumerate(self._excerpt.lines):
            if line.mark == "-":
                continue
            if before is not None and line.number != before + 1:
                pieces.append(_GAP)
                size += 1
            before = line.number
            text = squeezed(line.text)
            if text:
                self._starts.append(size)
                self._indexes.append(index)
            pieces.append(text)
            size += len(text)
        return "".join(pieces)

    def places(self, wanted: str) -> list[Place]:
        """Every place where the squeezed evidence stands."""
        found = []
        at = self._text.find(wanted)
        while at >= 0:
            first = self._line(at)
            last = self._line(at + len(wanted) - 1)
            found.append(Place(self._excerpt, first, last))
            at = self._text.find(wanted, at + 1)
        return found

    def _line(self, at: int) -> int:
        return self._indexes[bisect_right(self._starts, at) - 1]
