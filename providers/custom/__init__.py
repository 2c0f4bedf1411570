"""Any other server that speaks OpenAI Chat Completions, at an address you give.

For gateways, proxies and servers that have no folder of their own here.
"""

from __future__ import annotations

from providers.compatible import openai_compatible

provider = openai_compatible(
    slug="custom",
    label="OpenAI-compatible server",
    base_url_required=True,
    key_required=False,
    notes="The base URL usually ends in /v1. Leave the key empty if there is none.",
)
