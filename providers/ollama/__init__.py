"""Ollama: open models on one's own machine, in the Chat Completions dialect.

Source: https://docs.ollama.com/api/openai-compatibility
"""

from __future__ import annotations

from providers.compatible import openai_compatible

provider = openai_compatible(
    slug="ollama",
    label="Ollama",
    base_url="http://localhost:11434/v1",
    usual_url="http://localhost:11434/v1",
    key_required=False,
    notes="Takes any key. What exceeds the model's context (num_ctx) is cut silently.",
)
