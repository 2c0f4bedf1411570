"""Anthropic's answers: `POST /v1/messages` in the Messages dialect, and its count of them.

Source of the count: anthropic/types/message_count_tokens_params.py of the official SDK.
"""

from __future__ import annotations

import re

import msgspec

from providers.anthropic.config import BASE_URL, quirks_of
from providers.dialects import anthropic_messages
from providers.interface import CountCall, StreamCall
from providers.types import ChatRequest, Credential, Message, TextPart

# The last models that go on from a beginning of theirs; later ones refuse it.
_PREFILL = re.compile(r"claude-(3|[a-z]+-4(-[0-5])?(-\d{8})?\Z|[a-z]+-3)")
_GO_ON = (
    "Your answer was cut off by a lost connection. It ended with:\n\n<answer>\n{tail}\n"
    "</answer>\n\nContinue exactly where it stopped. Do not repeat or comment on any of it."
)
_TAIL = 4000  # characters of it that are quoted
# What is read, and what adds words of the vendor's own; the count refuses the others.
_COUNTED = frozenset(
    {
        "cache_control", "messages", "model", "output_config", "system", "thinking",
        "tool_choice", "tools",
    }
)  # fmt: skip


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

    def count_call(self, request: ChatRequest, credential: Credential) -> CountCall:
        """See `providers.interface.Counting`."""
        body = self.call(request, credential).body
        return CountCall(
            path="v1/messages/count_tokens",
            body={name: value for name, value in body.items() if name in _COUNTED},
            field="input_tokens",
        )

    def continued(self, request: ChatRequest, partial: str) -> ChatRequest:
        """See `providers.interface.Continuing`.

        Source: https://platform.claude.com/docs/en/build-with-claude/streaming (error
        recovery): older models continue their own beginning, later ones are asked to.
        """
        said = Message(role="assistant", parts=[TextPart(text=partial.rstrip())])
        more = [said]
        if not _PREFILL.match(request.model):
            words = _GO_ON.format(tail=partial[-_TAIL:])
            more.append(Message(role="user", parts=[TextPart(text=words)]))
        return msgspec.structs.replace(request, messages=[*request.messages, *more])
