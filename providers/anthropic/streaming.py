"""Anthropic's answers: `POST /v1/messages` in the Messages dialect."""

from __future__ import annotations

from providers.anthropic.config import BASE_URL, quirks_of
from providers.dialects import anthropic_messages
from providers.interface import StreamCall
from providers.types import ChatRequest, Credential


class AnthropicStreaming:
    """See `providers.interface.Streaming`."""

    def call(self, request: ChatRequest, credential: Credential) -> StreamCall:
        """Pure. Raises UnsupportedFeature (media that Anthropic does not take)."""
        quirks = quirks_of(request.model)
        return StreamCall(
            url=f"{credential.origin_url(BASE_URL)}/v1/messages",
            body=anthropic_messages.encode(request, quirks),
            decoder=anthropic_messages.decoder(quirks),
        )
