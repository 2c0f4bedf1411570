"""Vendors that speak OpenAI Chat Completions: a manifest of data each.

`provider = openai_compatible(slug=…, label=…, base_url=…)` in the `__init__.py` of a folder
is a whole provider. What such servers do differently from OpenAI is data too: `Quirks`
for the wire, the arguments below for the rest. Their model lists are read by
`compatible_models.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from providers.compatible_models import CompatibleModels
from providers.dialects import openai_chat
from providers.dialects.openai_chat import Quirks
from providers.dialects.openai_chat.encode import OPTIONAL_FIELDS
from providers.errors import ConfigurationError, ProviderError
from providers.interface import Provider, StreamCall
from providers.types import ChatRequest, Credential

if TYPE_CHECKING:
    from providers.http.client import HttpClient

__all__ = ["CompatibleApiKey", "CompatibleStreaming", "Quirks", "openai_compatible"]


def openai_compatible(
    *,
    slug: str,
    label: str,
    base_url: str = "",
    key_url: str = "",
    quirks: Quirks | None = None,
    check_path: str = "models",
    models_path: str = "models",
    **facts: Any,
) -> Provider:
    """The manifest of a vendor that speaks Chat Completions.

    `check_path`: what a good key may read and a bad one may not. `models_path`: the
    model list; an absolute path (`/api/v0/models`) is tried on the server's origin and
    falls back to `models`. Both are relative to the base URL otherwise. `facts` are
    other fields of `Provider`: headers, notes, key_required, usual_url …
    """
    quirks = replace(quirks or Quirks(), provider=slug)
    return Provider(
        slug=slug,
        label=label,
        dialect="openai_chat",
        base_url=base_url,
        streaming=CompatibleStreaming(base_url=base_url, quirks=quirks),
        models=CompatibleModels(path=models_path),
        api_key=CompatibleApiKey(key_url=key_url, check_path=check_path),
        **facts,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CompatibleStreaming:
    """See `providers.interface.Streaming`."""

    base_url: str
    quirks: Quirks

    def call(self, request: ChatRequest, credential: Credential) -> StreamCall:
        """Pure: no I/O."""
        return StreamCall(
            url=f"{credential.origin_url(self.base_url)}/chat/completions",
            body=openai_chat.encode(request, self.quirks),
            decoder=openai_chat.decoder(self.quirks),
            optional_fields=OPTIONAL_FIELDS,
        )


@dataclass(slots=True, kw_only=True)
class CompatibleApiKey:
    """See `providers.interface.ApiKey`. A server that wants no key gets no header."""

    key_url: str
    check_path: str

    def headers(self, credential: Credential) -> dict[str, str]:
        """A bearer token, if there is one."""
        key = credential.secret("api_key")
        return {"Authorization": f"Bearer {key}"} if key else {}

    def check(self, client: HttpClient) -> None:
        """One cheap call. Raises ProviderError."""
        try:
            client.get_json(self.check_path)
        except ProviderError as exc:
            if exc.status not in (404, 405):
                raise
            raise ConfigurationError(
                f"There is no model list at {client.base_url}. Check the base URL: it "
                "usually ends in /v1. A server without a model list may still answer.",
                provider=client.provider,
                status=exc.status,
            ) from exc
