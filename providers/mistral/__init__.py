"""Mistral: its own models, in the Chat Completions dialect.

Its thinking arrives as parts of `content`; the dialect knows.
Source: https://docs.mistral.ai/api/
"""

from __future__ import annotations

from providers.compatible import openai_compatible

provider = openai_compatible(
    slug="mistral",
    label="Mistral",
    base_url="https://api.mistral.ai/v1",
    key_url="https://console.mistral.ai/api-keys",
    env_names={"api_key": "MISTRAL_API_KEY"},
)
