"""Facts about Gemini that its other modules share.

Sources: `google/genai/_api_client.py` of the official SDK;
https://ai.google.dev/gemini-api/docs/thinking (which model thinks how).
"""

from __future__ import annotations

from urllib.parse import quote

from providers.dialects.gemini_generate import Quirks

SLUG = "gemini"
BASE_URL = "https://generativelanguage.googleapis.com"  # paths begin with the version
KEY_URL = "https://aistudio.google.com/apikey"
ENV_NAMES = {"api_key": "GEMINI_API_KEY"}

# `v1` does not carry tools and thinking for all models.
API_VERSION = "v1beta"

_LEVELS = {"low": "LOW", "medium": "MEDIUM", "high": "HIGH", "max": "HIGH"}
# Thinking cannot be switched off: the least level is the nearest thing to "none".
_FROM_LOW = {"none": "LOW", "minimal": "LOW", **_LEVELS}
_FROM_MINIMAL = {"none": "MINIMAL", "minimal": "MINIMAL", **_LEVELS}

_THINKS_BY_LEVEL = Quirks(thinking="level", levels=_FROM_LOW)
_LITTLE_ONES = Quirks(thinking="level", levels=_FROM_MINIMAL)
_THINKS_BY_BUDGET = Quirks(thinking="budget", signs_calls=False)
_OLD = Quirks(signs_calls=False)
_UNKNOWN = Quirks()

# The longest beginning that fits a model's name counts.
_MODELS = {
    "gemini-1": _OLD,
    "gemini-2.0": _OLD,
    "gemini-2.5": _THINKS_BY_BUDGET,
    "gemini-2.5-flash-image": _OLD,
    "gemini-3": _THINKS_BY_LEVEL,
    "gemini-3-flash": _LITTLE_ONES,
    "gemini-3.1-flash-lite": _LITTLE_ONES,
    "gemini-3.5-flash": _LITTLE_ONES,
    "gemini-4": _THINKS_BY_LEVEL,
    "gemini-pro-latest": _THINKS_BY_LEVEL,
    "gemini-flash-latest": _THINKS_BY_LEVEL,
    "gemini-flash-lite-latest": _THINKS_BY_LEVEL,
    "gemma": _OLD,
}
# Of a thinking family, but of another trade: they refuse to be asked about thinking.
_NOT_THINKERS = ("-image", "-tts", "-live", "-audio")


def plain(model_id: str) -> str:
    """A model's name without the folder in which the vendor lists it."""
    return model_id.removeprefix("models/")


def model_path(model_id: str, method: str) -> str:
    """The path of a method of a model, below the base URL."""
    return f"{API_VERSION}/models/{quote(plain(model_id), safe='')}:{method}"


def quirks_of(model_id: str) -> Quirks:
    """How to talk to a model; for one nobody has told us about, with care."""
    name = plain(model_id)
    if any(word in name for word in _NOT_THINKERS):
        return _UNKNOWN
    found = [beginning for beginning in _MODELS if name.startswith(beginning)]
    return _MODELS[max(found, key=len)] if found else _UNKNOWN
