"""llama.cpp's server: one local model, in the Chat Completions dialect.

Source: https://github.com/ggml-org/llama.cpp/tree/master/tools/server
"""

from __future__ import annotations

from providers.compatible import openai_compatible

provider = openai_compatible(
    slug="llamacpp",
    label="llama.cpp",
    base_url="http://localhost:8080/v1",
    usual_url="http://localhost:8080/v1",
    key_required=False,
    notes="Tools need a server started with --jinja.",
)
