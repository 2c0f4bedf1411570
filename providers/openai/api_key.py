"""OpenAI API keys: a bearer token, with an organization and a project where one is set.

Source: https://platform.openai.com/docs/api-reference/authentication
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.errors import PermissionRefused
from providers.openai.config import KEY_URL
from providers.types import Credential

if TYPE_CHECKING:
    from providers.http.client import HttpClient

_COUNTRY = "unsupported_country_region_territory"


class OpenAIApiKey:
    """See `providers.interface.ApiKey`."""

    key_url = KEY_URL

    def headers(self, credential: Credential) -> dict[str, str]:
        """`organization` and `project` come from the credential's metadata."""
        headers = {"Authorization": f"Bearer {credential.secret('api_key')}"}
        if organization := credential.metadata.get("organization"):
            headers["OpenAI-Organization"] = organization
        if project := credential.metadata.get("project"):
            headers["OpenAI-Project"] = project
        return headers

    def check(self, client: HttpClient) -> None:
        """The model list costs nothing. Raises ProviderError.

        A restricted key may be refused here (403) and still be good for answers; a key
        used from a country that OpenAI does not serve is not.
        """
        try:
            client.get_json("models")
        except PermissionRefused as exc:
            if exc.vendor_code == _COUNTRY:
                raise
