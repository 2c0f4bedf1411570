"""LM Studio: local models with a window, in the Chat Completions dialect.

Source: https://lmstudio.ai/docs/developer/openai-compat
"""

from __future__ import annotations

from providers.compatible import openai_compatible

provider = openai_compatible(
    slug="lmstudio",
    label="LM Studio",
    base_url="http://localhost:1234/v1",
    usual_url="http://localhost:1234/v1",
    key_required=False,
    # Its own list knows context sizes and which models are for embeddings.
    models_path="/api/v0/models",
)
