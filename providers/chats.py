"""The chat half of the universal interface; callers import it from `provider.py`.

stream_chat ─▶ ChatRequest ─▶ the vendor's StreamCall ─▶ ChatStream
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from providers import resolver, sessions
from providers.chat_stream import ChatStream
from providers.errors import ConfigurationError, ProtocolError, UnsupportedFeature
from providers.http.client import HttpClient
from providers.interface import Continuing, CountCall, Counting, StreamCall, Streaming
from providers.parameters import check_chat, checked
from providers.types import (
    AuthType,
    ChatRequest,
    Credential,
    Message,
    Origin,
    TextPart,
)


@checked
def stream_chat(
    provider: str,
    session_id: str,
    messages: Sequence[Message],
    *,
    model: str,
    auth_type: AuthType | None = None,
    **options: Any,
) -> ChatStream:
    """Ask for one model response. A context manager that yields typed events.

    `options` are the other fields of `ChatRequest`, and `partial`: the text of a broken
    answer to continue (see `can_continue`), and `on_renewing`: called with True and False
    around a renewal of the login, which may take minutes. Nothing is sent before the
    stream is entered. `close()`, from any thread, ends it within a second. One attempt:
    callers retry, and only before the first event. Raises ProviderError.
    """
    credential = sessions.find(provider, session_id, auth_type, to_use=True)
    return stream_with(credential, messages, model=model, **options)


def stream_with(
    credential: Credential, messages: Sequence[Message], *, model: str, **options: Any
) -> ChatStream:
    """The same for a credential that is not saved (the conformance suite)."""
    partial = options.pop("partial", "")
    on_renewing = options.pop("on_renewing", None)
    request = _request(credential, messages, model, options)
    streaming: Streaming = resolver.resolve(credential.provider, "streaming")
    if partial:
        if not isinstance(streaming, Continuing):
            raise UnsupportedFeature(
                "This vendor has no way to continue a broken answer. Ask again.",
                provider=credential.provider,
            )
        request = streaming.continued(request, partial)

    def signed(fresh: Credential) -> tuple[StreamCall, HttpClient]:
        return streaming.call(request, fresh), sessions.client(fresh)

    def first() -> tuple[StreamCall, HttpClient]:
        nonlocal credential
        credential = sessions.ready(credential)
        return signed(credential)

    def again() -> tuple[StreamCall, HttpClient] | None:
        fresh = sessions.renewed_after_refusal(credential)
        return signed(fresh) if fresh else None

    is_due = sessions.is_due(credential)
    call, client = signed(credential)
    return ChatStream(
        call,
        client,
        idle_timeout_s=request.idle_timeout_s,
        renew=again,
        renew_first=first if is_due else None,
        on_renewing=on_renewing,
    )


@checked
def preview_chat(
    provider: str,
    session_id: str,
    messages: Sequence[Message],
    *,
    model: str,
    auth_type: AuthType | None = None,
    **options: Any,
) -> Mapping[str, Any]:
    """The JSON body that `stream_chat` would send with these arguments. No request is made,
    no login renewed. Raises ProviderError."""
    credential = sessions.find(provider, session_id, auth_type)
    request = _request(credential, messages, model, options)
    streaming: Streaming = resolver.resolve(credential.provider, "streaming")
    return streaming.call(request, credential).body


@checked
def count_tokens(
    provider: str,
    session_id: str,
    messages: Sequence[Message],
    *,
    model: str,
    auth_type: AuthType | None = None,
    **options: Any,
) -> int | None:
    """How many tokens `stream_chat` would send with these arguments, by the vendor's own
    count; None where it has none for this kind of login. One request, which the vendors
    do not charge. Raises ProviderError."""
    credential = sessions.find(provider, session_id, auth_type, to_use=True)
    request = _request(credential, messages, model, options)
    streaming: Streaming = resolver.resolve(credential.provider, "streaming")
    call = _count_call(streaming, request, credential)
    if call is None:
        return None
    answer = sessions.with_client(
        credential, lambda client, signed: client.post_json(call.path, call.body)
    )
    tokens = answer.get(call.field) if isinstance(answer, dict) else None
    if not isinstance(tokens, int) or tokens < 0:
        raise ProtocolError(
            "The vendor's count of tokens is not in its usual form.", provider=provider
        )
    return tokens


@checked
def can_count(
    provider: str, session_id: str, *, model: str, auth_type: AuthType | None = None
) -> bool:
    """Whether `count_tokens` would have an answer. No request is made."""
    credential = sessions.find(provider, session_id, auth_type)
    asked = [Message(role="user", parts=[TextPart(text="?")])]
    request = _request(credential, asked, model, {})
    streaming: Streaming = resolver.resolve(credential.provider, "streaming")
    return _count_call(streaming, request, credential) is not None


def can_continue(provider: str) -> bool:
    """Whether this vendor documents how a broken answer is continued."""
    found = resolver.providers().get(provider)
    return found is not None and isinstance(found.streaming, Continuing)


def _count_call(
    streaming: Streaming, request: ChatRequest, credential: Credential
) -> CountCall | None:
    if not isinstance(streaming, Counting):
        return None
    return streaming.count_call(request, credential)


def _request(
    credential: Credential,
    messages: Sequence[Message],
    model: str,
    options: dict[str, Any],
) -> ChatRequest:
    if not model:
        raise ConfigurationError("Choose a model first.", provider=credential.provider)
    check_chat("stream_chat", messages, options)
    origin = Origin(
        provider=credential.provider, model=model, session_id=credential.name
    )
    return ChatRequest(model=model, messages=list(messages), origin=origin, **options)
