"""Groq: open models on fast hardware, in the Chat Completions dialect.

Source: https://console.groq.com/docs/openai
"""

from __future__ import annotations

from providers.compatible import openai_compatible

provider = openai_compatible(
    slug="groq",
    label="Groq",
    base_url="https://api.groq.com/openai/v1",
    key_url="https://console.groq.com/keys",
    key_hint="gsk_…",
    env_names={"api_key": "GROQ_API_KEY"},
)
