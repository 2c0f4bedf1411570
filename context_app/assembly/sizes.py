"""How many tokens something is likely to be. Pure.

Only a vendor counts exactly. Until it does, an estimate from characters, at a rate that
learns from what the vendor counted before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from providers.types import (
    FilePart,
    ImagePart,
    Part,
    ReasoningPart,
    RefusalPart,
    SteerPart,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)

CHARS_PER_TOKEN = 3.6  # of prose and code together, before anything was counted
PER_MESSAGE = 4  # tokens that every message costs beside its words
IMAGE_CHARS = 4000


class Sizer(msgspec.Struct, frozen=True, kw_only=True):
    """Characters to tokens. `samples`: requests that the vendor counted, with their answer
    or when it was asked to."""

    chars_per_token: float = CHARS_PER_TOKEN
    samples: int = 0

    def tokens(self, chars: int) -> int:
        """At least one for anything that is there at all."""
        return max(1, round(chars / self.chars_per_token)) if chars else 0

    @property
    def says(self) -> str:
        """How far the numbers can be trusted, in words."""
        if not self.samples:
            return "Estimated from the number of characters."
        word = "request" if self.samples == 1 else "requests"
        return (
            f"Estimated, at the rate of this model's last {self.samples:,} {word} here."
        )


def chars_of(parts: Iterable[Part]) -> int:
    """Characters that a model has to read; opaque state is not counted."""
    total = 0
    for part in parts:
        match part:
            case TextPart() | ReasoningPart() | RefusalPart() | SteerPart():
                total += len(part.text)
            case ToolResultPart():
                total += len(part.text)
            case ToolCallPart():
                total += len(part.name) + len(msgspec.json.encode(part.arguments))
            case ImagePart():
                total += IMAGE_CHARS
            case FilePart():
                total += len(part.data) // 2
    return total


def schema_chars(tools: Iterable[Tool]) -> int:
    """What the tools' descriptions and schemas add to every request."""
    return sum(
        len(tool.name) + len(tool.description) + len(_json(tool.parameters))
        for tool in tools
    )


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)
