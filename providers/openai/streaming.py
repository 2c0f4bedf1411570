"""OpenAI's answers: `POST …/responses` in the Responses dialect, whoever pays for them.

API keys, minted ones included, are answered by the public API. A ChatGPT plan is answered
by ChatGPT's own backend or, for "Sign in with ChatGPT", by the public API with the limits
of that programme.

Source: https://platform.openai.com/docs/api-reference/responses;
https://developers.openai.com/siwc/ (preview limitations); codex-rs/core/src/client.rs in
https://github.com/openai/codex.
"""

from __future__ import annotations

from providers.dialects import openai_responses
from providers.dialects.openai_responses import Quirks
from providers.interface import CountCall, StreamCall
from providers.openai.config import BASE_URL, CHATGPT_URL, SLUG, reasons
from providers.openai.oauth import is_backend
from providers.types import ChatRequest, Credential

_NAMESPACE = "maestro"
# Not on the list of what the programme refuses, and not promised either.
_SIWC_OPTIONAL = ("prompt_cache_key", "include")
# What is read; the count has no other fields (openai/types/responses/
# input_token_count_params.py of the official SDK).
_COUNTED = frozenset(
    {
        "input", "instructions", "model", "parallel_tool_calls", "reasoning", "text",
        "tool_choice", "tools", "truncation",
    }
)  # fmt: skip


class OpenAIStreaming:
    """See `providers.interface.Streaming`."""

    def call(self, request: ChatRequest, credential: Credential) -> StreamCall:
        """Pure. Raises UnsupportedFeature (stop sequences)."""
        is_siwc = credential.metadata.get("kind") == "siwc"
        on_backend = is_backend(credential)
        quirks = Quirks(
            provider=SLUG,
            reasons=reasons(request.model),
            is_plan=is_siwc or on_backend,
            namespace=_NAMESPACE if is_siwc else "",
        )
        base_url = CHATGPT_URL if on_backend else credential.origin_url(BASE_URL)
        headers = {}
        if on_backend and request.conversation_key:
            headers["session_id"] = request.conversation_key
        return StreamCall(
            url=f"{base_url}/responses",
            body=openai_responses.encode(request, quirks),
            decoder=openai_responses.decoder(quirks),
            headers=headers,
            optional_fields=_SIWC_OPTIONAL if is_siwc else (),
        )

    def count_call(
        self, request: ChatRequest, credential: Credential
    ) -> CountCall | None:
        """See `providers.interface.Counting`. A plan's logins are promised no count."""
        if credential.metadata.get("kind") == "siwc" or is_backend(credential):
            return None
        body = self.call(request, credential).body
        return CountCall(
            path="responses/input_tokens",
            body={name: value for name, value in body.items() if name in _COUNTED},
            field="input_tokens",
        )
