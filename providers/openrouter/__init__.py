"""OpenRouter: many vendors behind one key, in the Chat Completions dialect.

Source: https://openrouter.ai/docs/api-reference/overview
"""

from __future__ import annotations

from providers.compatible import openai_compatible

provider = openai_compatible(
    slug="openrouter",
    label="OpenRouter",
    base_url="https://openrouter.ai/api/v1",
    key_url="https://openrouter.ai/keys",
    key_hint="sk-or-v1-…",
    headers={"X-Title": "Maestro"},
    # The model list is open to everybody and says nothing about a key.
    check_path="key",
    env_names={"api_key": "OPENROUTER_API_KEY"},
)
