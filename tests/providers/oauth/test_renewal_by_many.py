"""Many threads and one login: one request, and one result for all of them."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from providers import provider
from providers.errors import CredentialRejected, ProviderError
from providers.store import MemoryStore
from tests.providers.oauth.login_server import LoginServer
from tests.providers.oauth.logins_in_use import (
    ANSWERS,
    LIST,
    MODELS,
    REFUSED,
    TOKEN,
    bearers,
    chat,
    fresh,
    saved,
    serve,
)


def many(work: Any, count: int = 24) -> list[Any]:
    """The results of that many threads that begin at once; errors as results."""
    gate = threading.Barrier(count)

    def one(_: int) -> Any:
        gate.wait()
        try:
            return work()
        except ProviderError as exc:
            return exc

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def slow_token(server: LoginServer) -> None:
    """The token endpoint takes its time, so that all of them are there meanwhile."""
    server.hook = lambda asked: time.sleep(0.3) if asked.line == TOKEN else None


def test_many_threads_make_one_request(server: LoginServer, store: MemoryStore) -> None:
    saved(store, 100)
    serve(server)
    slow_token(server)
    server.says(TOKEN, fresh())
    server.says(TOKEN, {"error": "refresh_token_reused"}, 400)

    results = many(chat)

    assert not [r for r in results if isinstance(r, ProviderError)]
    assert len(server.to(TOKEN)) == 1
    assert bearers(server, ANSWERS) == ["at-2"] * 24


def test_many_threads_that_are_refused_make_one_request(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(store)
    slow_token(server)
    server.says(TOKEN, fresh())
    server.says(TOKEN, {"error": "refresh_token_reused"}, 400)
    gate = threading.Barrier(12)
    for _ in range(12):
        server.says(MODELS, REFUSED, 401)
    server.says(MODELS, LIST)
    old_hook = server.hook

    def hook(asked: Any) -> None:
        if asked.headers.get("authorization") == "Bearer at-1":
            gate.wait(5)  # all of them have been sent with the old token
        old_hook(asked)

    server.hook = hook

    results = many(lambda: provider.list_models("openai", "oauth", "work"), 12)

    assert not [r for r in results if isinstance(r, BaseException)]
    assert len(server.to(TOKEN)) == 1


def test_many_threads_hear_the_same_error(
    server: LoginServer, store: MemoryStore
) -> None:
    saved(store, -1)
    slow_token(server)
    server.says(TOKEN, {"error": "invalid_grant"}, 400)

    results = many(chat, 8)

    assert {type(r) for r in results} == {CredentialRejected}
    assert len({id(r) for r in results}) == 8  # each its own, with its own traceback
