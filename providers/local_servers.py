"""Model servers that answer on their usual port of this machine: offered, never used.

The addresses come from the manifests (`usual_url`), never from a person. Asked without a
key, for the list of models, all at once, half a second at most.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from providers import resolver
from providers.errors import ProviderError
from providers.http.client import HttpClient, client_for
from providers.interface import Provider

PROBE_TIMEOUT_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """A server that answered. `url` is the base URL to save; `models` how many it has."""

    provider: str
    label: str
    url: str
    models: int


def local_servers() -> list[LocalServer]:
    """The servers found answering, sorted by label."""
    usual = [m for m in resolver.providers().values() if m.usual_url]
    if not usual:
        return []
    clients = [
        client_for(provider=m.slug, base_url=m.usual_url, headers={}) for m in usual
    ]
    # Not `with`: leaving it would wait for a server that accepts and says nothing.
    pool = ThreadPoolExecutor(len(usual), thread_name_prefix="probe")
    asked = [
        pool.submit(_ask, manifest, client)
        for manifest, client in zip(usual, clients, strict=True)
    ]
    wait(asked, timeout=PROBE_TIMEOUT_S)
    found = [_answer(future) for future in asked]
    for client in clients:
        client.abort()  # frees a reader that is still waiting
    pool.shutdown(wait=False, cancel_futures=True)
    return sorted((s for s in found if s is not None), key=lambda s: s.label)


def _ask(manifest: Provider, client: HttpClient) -> LocalServer | None:
    try:
        with client:
            models = manifest.models.list_models(client)
    except ProviderError:
        return None  # nobody there, or something else that lives on this port
    return LocalServer(
        provider=manifest.slug,
        label=manifest.label,
        url=manifest.usual_url,
        models=len(models),
    )


def _answer(future: Future[LocalServer | None]) -> LocalServer | None:
    return future.result() if future.done() and not future.cancelled() else None
