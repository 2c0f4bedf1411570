"""The Gemini wire: `POST …:streamGenerateContent?alt=sse`, contents and chunks.

Source: https://ai.google.dev/api/generate-content and the types of the official Python
SDK (`google/genai/types.py`).
"""

from __future__ import annotations

from providers.dialects.gemini_generate.decode import decoder
from providers.dialects.gemini_generate.encode import encode
from providers.dialects.gemini_generate.quirks import Quirks

__all__ = ["Quirks", "decoder", "encode"]
