"""Anthropic API keys: `x-api-key`, and the cheapest call that proves one.

Source: https://platform.claude.com/docs/en/manage-claude/authentication
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.anthropic.config import KEY_URL
from providers.types import Credential

if TYPE_CHECKING:
    from providers.http.client import HttpClient


class AnthropicApiKey:
    """See `providers.interface.ApiKey`."""

    key_url = KEY_URL

    def headers(self, credential: Credential) -> dict[str, str]:
        """The key; the API version is in the manifest, it holds for every login."""
        return {"x-api-key": credential.secret("api_key")}

    def check(self, client: HttpClient) -> None:
        """One model of the list, which costs nothing. Raises ProviderError."""
        client.get_json("v1/models", {"limit": "1"})
