"""Which wire answers a path, and the plain endpoints: lists, counts, logins."""

from __future__ import annotations

import re
from collections.abc import Callable

from providers.emulator import (
    anthropic_errors,
    chatgpt,
    gemini_errors,
    model_lists,
    models,
    oauth_anthropic,
    oauth_gate,
    oauth_google,
    oauth_openai,
)
from providers.emulator.anthropic_messages import Messages
from providers.emulator.gemini_generate import Generate
from providers.emulator.http11 import Reply, Request
from providers.emulator.oauth_state import AuthServers
from providers.emulator.oauth_wire import OAuthErrors
from providers.emulator.openai_chat import ChatCompletions
from providers.emulator.openai_errors import refuse_key
from providers.emulator.openai_responses import Responses
from providers.emulator.state import State
from providers.emulator.wire import Errors, Wire

_ANTHROPIC = Messages()
_GEMINI = Generate()
_RESPONSES = Responses()

# (method, path) → wire and dialect; the first that fits.
_CHAT: list[tuple[re.Pattern[str], Wire, str]] = [
    (re.compile(r"/openai/v1/responses$"), _RESPONSES, "openai_responses"),
    (re.compile(r"/openai/v1/chat/completions$"), ChatCompletions(), "openai_chat"),
    (
        re.compile(r"/compatible(/.*)?/chat/completions$"),
        ChatCompletions(is_compatible=True),
        "openai_chat",
    ),
    (
        re.compile(chatgpt.PATH + r"/responses$"),
        chatgpt.Backend(),
        "openai_responses",
    ),
    (re.compile(r"/anthropic/v1/messages$"), _ANTHROPIC, "anthropic_messages"),
    (
        re.compile(
            r"/gemini/v1(beta)?/models/[^/]+:(generateContent|streamGenerateContent)$"
        ),
        _GEMINI,
        "gemini_generate",
    ),
]


def chat(request: Request) -> tuple[Wire, str] | None:
    """The wire of a chat request and the name of its dialect."""
    if request.method != "POST":
        return None
    for pattern, wire, dialect in _CHAT:
        if pattern.match(request.path):
            return wire, dialect
    return None


_USED_BY: dict[str, Errors] = {
    "anthropic": _ANTHROPIC,
    "gemini": _GEMINI,
    "openai-auth": OAuthErrors("object"),
    "anthropic-auth": OAuthErrors(),
    "claude-ai": OAuthErrors(),
    "google-accounts": OAuthErrors(),
    "google-oauth": OAuthErrors(),
}


def wire_of(request: Request) -> Errors:
    """The wire whose error bodies an endpoint of this vendor uses."""
    return _USED_BY.get(request.path.split("/")[1], _RESPONSES)


def plain(request: Request, state: State) -> Reply:
    """Everything that is not a chat: lists, counts, logins, 404. Raises ValueError."""
    refused = oauth_gate.refuse(request, state.oauth)
    if refused is not None:
        return refused
    path = request.path
    for prefix, answer in _PLAIN:
        if path.startswith(prefix):
            return answer(request, path.removeprefix(prefix), state)
    return _not_found(request)


def _not_found(request: Request) -> Reply:
    where = f"{request.method} {request.path}"
    return wire_of(request).error(404, message=f"There is nothing here: {where}")


def _openai(request: Request, rest: str, state: State) -> Reply:
    known = models.OPENAI + models.OPENAI_OTHER
    return refuse_key(request) or model_lists.openai(rest.strip("/"), known)


def _compatible(request: Request, rest: str, state: State) -> Reply:
    if rest.endswith("/models"):
        return model_lists.openai("", models.COMPATIBLE)
    if rest.endswith("/key"):  # what OpenRouter's key check asks
        return refuse_key(request) or Reply(200, {"data": {"label": "emulated"}})
    return _not_found(request)


def _anthropic(request: Request, rest: str, state: State) -> Reply:
    return anthropic_errors.refuse_key(request) or model_lists.anthropic(
        request, rest.strip("/")
    )


def _gemini(request: Request, rest: str, state: State) -> Reply:
    match = re.match(r"(?:beta)?/models(?:/([^/:]+))?(:countTokens)?$", rest)
    if match is None:
        return _not_found(request)
    if match[2]:
        return _GEMINI.count(request)
    return gemini_errors.refuse_key(request) or model_lists.gemini(
        request, match[1] or ""
    )


def _login(
    answer: Callable[[Request, str, AuthServers], Reply | None],
) -> Callable[[Request, str, State], Reply]:
    return lambda request, rest, state: (
        answer(request, rest, state.oauth) or _not_found(request)
    )


def _anthropic_login(request: Request, rest: str, state: State) -> Reply:
    """What belongs to the login and is served by the API's address."""
    if request.method == "POST" and rest == "/v1/oauth/token":
        return oauth_anthropic.token(request, state.oauth)
    return oauth_anthropic.api(
        request, rest, state.oauth, oauth_gate.bearer_of(request)
    ) or _not_found(request)


_PLAIN: list[tuple[str, Callable[[Request, str, State], Reply]]] = [
    ("/openai-auth", _login(oauth_openai.answer)),
    ("/anthropic-auth", _login(oauth_anthropic.answer)),
    ("/claude-ai", _login(oauth_anthropic.answer)),
    ("/google-accounts", _login(oauth_google.accounts)),
    ("/google-oauth", _login(oauth_google.answer)),
    (
        "/chatgpt",
        lambda request, rest, state: (
            chatgpt.plain(request, rest, state) or _not_found(request)
        ),
    ),
    ("/openai/v1/models", _openai),
    (
        "/openai/v1/responses/input_tokens",
        lambda request, _, state: _RESPONSES.count(request, state),
    ),
    ("/compatible", _compatible),
    (
        "/anthropic/v1/messages/count_tokens",
        lambda request, _, state: _ANTHROPIC.count(request, state),
    ),
    ("/anthropic/v1/models", _anthropic),
    ("/anthropic", _anthropic_login),
    ("/gemini/v1", _gemini),
]
