"""What differs between the models of the Gemini wire, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

# level: a word (Gemini 3 and later); budget: a number of tokens (2.5); none: the model
# does not think, or refuses to be asked about it. Never both in one request.
Thinking: TypeAlias = Literal["level", "budget", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """`provider` names the vendor in errors; the rest describes one model.

    The defaults are for a model nobody has told us about. `levels` maps our words of
    effort to the vendor's, for models with `thinking="level"`. `signs_calls`: the
    signature on the function calls of the current turn is checked, so that calls of
    another model need a filler in its place.
    """

    provider: str = "gemini"
    thinking: Thinking = "none"
    levels: dict[str, str] = field(default_factory=dict)
    signs_calls: bool = True


DEFAULT = Quirks()
