"""Gemini's answers: `POST …/models/{model}:streamGenerateContent?alt=sse`."""

from __future__ import annotations

from providers.dialects import gemini_generate
from providers.gemini.config import BASE_URL, model_path, quirks_of
from providers.interface import StreamCall
from providers.types import ChatRequest, Credential


class GeminiStreaming:
    """See `providers.interface.Streaming`."""

    def call(self, request: ChatRequest, credential: Credential) -> StreamCall:
        """Pure. Raises UnsupportedFeature (one tool call at a time)."""
        quirks = quirks_of(request.model)
        path = model_path(request.model, "streamGenerateContent")
        return StreamCall(
            # Without alt=sse the answer is one JSON array.
            url=f"{credential.origin_url(BASE_URL)}/{path}?alt=sse",
            body=gemini_generate.encode(request, quirks),
            decoder=gemini_generate.decoder(quirks),
        )
