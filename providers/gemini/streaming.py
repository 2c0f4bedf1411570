"""Gemini's answers: `POST …/models/{model}:streamGenerateContent?alt=sse`; and their count.

Source of the count: https://ai.google.dev/api/tokens (a whole request in a field, because
`contents` alone leaves out the instruction and the tools).
"""

from __future__ import annotations

from providers.dialects import gemini_generate
from providers.gemini.config import BASE_URL, model_path, plain, quirks_of
from providers.interface import CountCall, StreamCall
from providers.types import ChatRequest, Credential

_COUNTED = frozenset({"contents", "systemInstruction", "tools"})


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

    def count_call(self, request: ChatRequest, credential: Credential) -> CountCall:
        """See `providers.interface.Counting`."""
        body = self.call(request, credential).body
        read = {name: value for name, value in body.items() if name in _COUNTED}
        model = f"models/{plain(request.model)}"
        return CountCall(
            path=model_path(request.model, "countTokens"),
            body={"generateContentRequest": {"model": model, **read}},
            field="totalTokens",
        )
