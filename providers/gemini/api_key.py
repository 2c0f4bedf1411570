"""Gemini API keys: `x-goog-api-key`, and the calls that prove one.

The key never goes into the address: addresses are logged. One way to sign, never two:
the vendor refuses a request with several credentials.

Source: https://ai.google.dev/gemini-api/docs/api-key
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.gemini.config import API_VERSION, KEY_URL, model_path
from providers.types import Credential

if TYPE_CHECKING:
    from providers.http.client import HttpClient


class GeminiApiKey:
    """See `providers.interface.ApiKey`."""

    key_url = KEY_URL

    def headers(self, credential: Credential) -> dict[str, str]:
        """The key. Its form is not checked: there are two, and there may be more."""
        return {"x-goog-api-key": credential.secret("api_key")}

    def check(self, client: HttpClient) -> None:
        """A model of the list, and a count of tokens on it: neither costs anything.

        The count because some keys may list models and are then refused every answer.
        Raises ProviderError.
        """
        page = client.get_json(f"{API_VERSION}/models", {"pageSize": "1"})
        name = _first_name(page)
        if name:
            contents = [{"role": "user", "parts": [{"text": "Hello"}]}]
            client.post_json(model_path(name, "countTokens"), {"contents": contents})


def _first_name(page: object) -> str:
    """The first listed model that counts tokens; empty where none is said to."""
    rows = page.get("models") if isinstance(page, dict) else None
    for row in rows if isinstance(rows, list) else []:
        if not isinstance(row, dict):
            continue
        methods = row.get("supportedGenerationMethods")
        if isinstance(methods, list) and "countTokens" in methods:
            return str(row.get("name") or "")
    return ""
