"""xAI: the Grok models, in the Chat Completions dialect.

It counts reasoning tokens beside the completion's; the dialect knows.
Source: https://docs.x.ai/docs/api-reference
"""

from __future__ import annotations

from providers.compatible import openai_compatible

provider = openai_compatible(
    slug="xai",
    label="xAI",
    base_url="https://api.x.ai/v1",
    key_url="https://console.x.ai",
    key_hint="xai-…",
    env_names={"api_key": "XAI_API_KEY"},
)
