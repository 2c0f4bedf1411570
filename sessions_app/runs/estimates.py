"""What a response cost in output where its vendor never came to say the whole of it.

Some vendors count "1" when they begin, and the rest when they end: what was stopped or cut
off in between is estimated by what arrived. Called by `metering.py` and `log/response.py`.
"""

from __future__ import annotations

from providers.events import Event, Finished, ReasoningDelta, TextDelta, ToolCallDelta

CHARS_PER_TOKEN = 4
# A token stands for one byte at least, and a character has at most so many.
_MOST_PER_CHAR = 4
# What a model may have thought beside without a word of it being sent.
HIDDEN_TOKENS = 32_000


def chars_of(event: Event) -> int:
    """What of it a model had to write, in characters."""
    if isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta):
        return len(event.text)
    return 0


def ended_by_vendor(event: Finished | None) -> bool:
    """Whether a response came to its end by the vendor's own word."""
    return event is not None and event.stop_reason != "cancelled"


def most_output(chars: int) -> int:
    """The tokens that a response of so many characters can have had, and hardly that."""
    return chars * _MOST_PER_CHAR + HIDDEN_TOKENS


def output_tokens(told: int | None, chars: int) -> int:
    """Of a response that did not: what was told, or what arrived where that is more."""
    return max(told or 0, chars // CHARS_PER_TOKEN)
