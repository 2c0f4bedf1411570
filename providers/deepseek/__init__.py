"""DeepSeek: its own models, in the Chat Completions dialect.

Source: https://api-docs.deepseek.com/ (thinking mode: guides/thinking_mode)
"""

from __future__ import annotations

from providers.compatible import Quirks, openai_compatible

provider = openai_compatible(
    slug="deepseek",
    label="DeepSeek",
    base_url="https://api.deepseek.com",
    key_url="https://platform.deepseek.com/api_keys",
    key_hint="sk-…",
    # In thinking mode a message with tool calls is refused without its reasoning.
    quirks=Quirks(
        echoed_reasoning_field="reasoning_content", efforts={"minimal": "low"}
    ),
    env_names={"api_key": "DEEPSEEK_API_KEY"},
)
