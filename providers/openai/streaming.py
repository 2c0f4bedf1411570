"""OpenAI's answers: `POST /responses` in the Responses dialect."""

from __future__ import annotations

from providers.dialects import openai_responses
from providers.dialects.openai_responses import Quirks
from providers.interface import StreamCall
from providers.openai.config import BASE_URL, SLUG, reasons
from providers.types import ChatRequest, Credential


class OpenAIStreaming:
    """See `providers.interface.Streaming`."""

    def call(self, request: ChatRequest, credential: Credential) -> StreamCall:
        """Pure. Raises UnsupportedFeature (stop sequences)."""
        quirks = Quirks(provider=SLUG, reasons=reasons(request.model))
        return StreamCall(
            url=f"{credential.origin_url(BASE_URL)}/responses",
            body=openai_responses.encode(request, quirks),
            decoder=openai_responses.decoder(quirks),
        )
