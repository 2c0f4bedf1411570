"""How one server's Chat Completions differ from another's, as data.

The defaults are what most compatible servers take.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """`provider` names the vendor in errors.

    `max_tokens_field`: `max_completion_tokens` is OpenAI's newer name, which most others
    do not know. `system_role`: `system` or `developer`. `has_stream_options`: takes
    `stream_options` and then reports usage. `sends_reasoning_effort`: takes
    `reasoning_effort`; `efforts` maps our words to the server's where they differ.
    `echoed_reasoning_field`: the name under which the reasoning of an assistant message
    with tool calls must come back, empty or not; "" where it must not.
    `cache_key_field`: where the server takes a stable id of the conversation, or "".
    """

    provider: str = ""
    max_tokens_field: str = "max_tokens"
    system_role: str = "system"
    has_stream_options: bool = True
    sends_reasoning_effort: bool = True
    efforts: Mapping[str, str] = field(
        default_factory=lambda: {"minimal": "low", "max": "high"}
    )
    echoed_reasoning_field: str = ""
    cache_key_field: str = ""


DEFAULT = Quirks()
