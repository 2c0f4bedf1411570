"""Facts about Anthropic that its other modules share.

Sources: `anthropic/_client.py` and `_constants.py` of the official SDK;
https://platform.claude.com/docs/en/build-with-claude/thinking (which model thinks how);
the `capabilities` of `GET /v1/models`, which say the same.
"""

from __future__ import annotations

from dataclasses import replace

from providers import catalogue
from providers.dialects.anthropic_messages import Quirks

SLUG = "anthropic"
BASE_URL = "https://api.anthropic.com"  # paths begin with v1/
KEY_URL = "https://platform.claude.com/settings/keys"
ENV_NAMES = {"api_key": "ANTHROPIC_API_KEY", "base_url": "ANTHROPIC_BASE_URL"}

# 2026-10-21 is served too, but refuses what older models still take (sampling), and the
# whole list of its changes is not published. What we send means the same in both.
API_VERSION = "2023-06-01"

# `max_tokens` is required. A model's own limit may be a whole book: this is for the
# person who did not ask for one, thinking included.
MAX_OUTPUT_TOKENS = 32_000

_LOW_TO_HIGH = ("low", "medium", "high")
_WITH_MAX = (*_LOW_TO_HIGH, "max")  # xhigh lies between, and nobody can ask for it here

_ALWAYS_THINKS = Quirks(thinks_unasked=True, efforts=_WITH_MAX)
_THINKS = Quirks(thinks_unasked=True, can_stop_thinking=True, efforts=_WITH_MAX)
_THINKS_WHEN_ASKED = Quirks(efforts=_WITH_MAX)
_TAKES_A_BUDGET = Quirks(thinking="budget", efforts=())

# The longest beginning that fits a model's name counts.
_MODELS = {
    "claude-fable-5": _ALWAYS_THINKS,
    "claude-mythos": _ALWAYS_THINKS,
    "claude-opus-5-5": _ALWAYS_THINKS,
    "claude-sonnet-5-5": _ALWAYS_THINKS,
    "claude-haiku-5-5": _THINKS_WHEN_ASKED,
    "claude-opus-5": _THINKS,
    "claude-sonnet-5": _THINKS,
    "claude-opus-4-8": _THINKS_WHEN_ASKED,
    "claude-opus-4-7": _THINKS_WHEN_ASKED,
    "claude-opus-4-6": _THINKS_WHEN_ASKED,
    "claude-sonnet-4-6": _THINKS_WHEN_ASKED,
    "claude-opus-4-5": replace(_TAKES_A_BUDGET, efforts=_LOW_TO_HIGH),
    "claude-sonnet-4-5": _TAKES_A_BUDGET,
    "claude-haiku-4-5": _TAKES_A_BUDGET,
    "claude-opus-4-1": _TAKES_A_BUDGET,
}
_UNKNOWN = Quirks()


def quirks_of(model_id: str) -> Quirks:
    """How to talk to a model; for one nobody has told us about, with care."""
    found = [name for name in _MODELS if model_id.startswith(name)]
    quirks = _MODELS[max(found, key=len)] if found else _UNKNOWN
    known = catalogue.lookup(SLUG, model_id)
    if known is None or known.max_output_tokens is None:
        return quirks
    limit = min(known.max_output_tokens, MAX_OUTPUT_TOKENS)
    return replace(quirks, max_tokens=limit)
