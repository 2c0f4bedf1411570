"""The OpenAI Chat Completions wire, as OpenAI and its many imitators speak it.

Source: https://platform.openai.com/docs/api-reference/chat-streaming, and the recorded
streams of the servers in `providers/compatible.py`'s family.
"""

from __future__ import annotations

from providers.dialects.openai_chat.decode import decoder
from providers.dialects.openai_chat.encode import encode
from providers.dialects.openai_chat.quirks import Quirks

__all__ = ["Quirks", "decoder", "encode"]
