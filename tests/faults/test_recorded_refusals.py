"""Refusals that vendors really sent, answered to a chat: shown whole, with advice."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from providers.http import HttpSettings, configure
from tests.faults.asking import chat
from tests.faults.failing import check_failed
from tests.faults.served import Served
from tests.recordings import Exchange, http_exchanges
from tests.sessions_app.factories import make_credential

# What the name of a recording promises: our kind of error, and what it advises.
NAMED = {
    "401": ("CredentialRejected", "Check that it is copied whole"),
    "api_key_invalid": ("CredentialRejected", "Check that it is copied whole"),
    "model_not_found": ("ModelNotFound", "Pick another one from the list"),
    "context_length": ("ContextTooLong", "start a new conversation"),
    "overloaded": ("Overloaded", "pick another model"),
    "rate_limit": ("RateLimited", "Try again in"),
    "unsupported_parameter": ("UnsupportedFeature", "Change the options"),
}


def refusals() -> list[Any]:
    """The recorded exchanges that refused something."""
    return [
        found
        for found in http_exchanges()
        if found.values[0] is None or found.values[0].status >= 400
    ]


# Where their own provider would send a chat elsewhere: another address, same server.
_ORIGINS = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "gemini": "https://generativelanguage.googleapis.com",
}


@pytest.mark.parametrize("exchange", refusals())
def test_a_recorded_refusal_is_shown_in_the_vendors_words_with_advice(
    exchange: Exchange, alice: User, server: Served
) -> None:
    server.answer(exchange.status, exchange.body, exchange.headers)
    is_rerouted = exchange.provider in _ORIGINS
    if is_rerouted:
        configure(HttpSettings(reroute={_ORIGINS[exchange.provider]: server.url}))
    credential = make_credential(
        owner=alice,
        provider=exchange.provider if exchange.provider != "azure" else "custom",
        name="work",
        base_url="" if is_rerouted else f"{server.url}/v1",
    )
    shown, code = chat(credential, "some-model")

    run = check_failed(shown, code, shown["error"]["kind"], ".")
    assert shown["error"]["status"] == exchange.status
    assert run.error["vendor_message"][:20] in exchange.body.decode()
    for word, (kind, says) in NAMED.items():
        if word in exchange.name:
            assert shown["error"]["kind"] == kind
            assert says in shown["error"]["advice"]
