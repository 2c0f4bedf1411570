"""What differs between the models of the Messages wire, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

# adaptive: the model decides how much; budget: we give a number of tokens (the older
# way, a 400 on current models); none: the model takes no `thinking` at all.
Thinking: TypeAlias = Literal["adaptive", "budget", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """`provider` names the vendor in errors; the rest describes one model.

    The defaults are for a model nobody has told us about: what is sent unasked is what
    every model takes. `max_tokens` is used when the request names no limit, because the
    wire requires one. `thinks_unasked`: it thinks unless told otherwise, so that asking
    for the summary is no change of its behaviour. `can_stop_thinking`: `disabled` is
    accepted. `efforts`: the words of `output_config.effort` it knows; None: not known.
    """

    provider: str = "anthropic"
    max_tokens: int = 8_192
    thinking: Thinking = "adaptive"
    thinks_unasked: bool = False
    can_stop_thinking: bool = False
    efforts: tuple[str, ...] | None = None


DEFAULT = Quirks()
