"""The OpenAI Responses wire: `POST /responses`, typed events, items in and out.

Source: https://platform.openai.com/docs/api-reference/responses and the types of the
official Python SDK (`openai/types/responses/`).
"""

from __future__ import annotations

from providers.dialects.openai_responses.decode import decoder
from providers.dialects.openai_responses.encode import encode
from providers.dialects.openai_responses.quirks import Quirks

__all__ = ["Quirks", "decoder", "encode"]
