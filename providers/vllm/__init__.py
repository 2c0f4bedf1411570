"""vLLM: a server for open models, in the Chat Completions dialect.

Source: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
"""

from __future__ import annotations

from providers.compatible import openai_compatible

provider = openai_compatible(
    slug="vllm",
    label="vLLM",
    base_url="http://localhost:8000/v1",
    usual_url="http://localhost:8000/v1",
    key_required=False,
    notes="Tools need a server started with --enable-auto-tool-choice.",
)
