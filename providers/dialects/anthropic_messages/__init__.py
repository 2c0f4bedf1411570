"""The Anthropic Messages wire: `POST /v1/messages`, content blocks in and out.

Source: https://platform.claude.com/docs/en/api/messages and the types of the official
Python SDK (`anthropic/types/`).
"""

from __future__ import annotations

from providers.dialects.anthropic_messages.decode import decoder
from providers.dialects.anthropic_messages.encode import encode
from providers.dialects.anthropic_messages.quirks import Quirks

__all__ = ["Quirks", "decoder", "encode"]
