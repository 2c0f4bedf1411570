"""What a person typed about a credential, checked field by field before it is kept."""

from __future__ import annotations

from providers import provider as interface
from providers import resolver
from providers.errors import ConfigurationError
from providers.names import is_header_word, normalise_api_key, normalise_name
from providers.types import Credential
from sessions_app.errors import Invalid

MAX_URL = 500
MAX_WORD = 100


def api_key_credential(
    *,
    provider: str,
    name: str,
    api_key: str,
    base_url: str = "",
    organization: str = "",
    project: str = "",
) -> Credential:
    """A whole, unsaved credential. Raises Invalid with the field that is wrong."""
    provider = checked_provider(provider)
    name = checked_name(name)
    base_url = checked_base_url(provider, base_url)
    organization = _header_word(organization, "organization")
    project = _header_word(project, "project")
    try:
        # What is left to find wrong here is the key: missing, too long, not one word.
        return interface.build_api_key_credential(
            provider, name, api_key, organization, project, base_url
        )
    except ConfigurationError as exc:
        raise Invalid(exc.message, field="api_key") from None


def checked_provider(slug: str) -> str:
    """The slug of an installed provider that takes API keys."""
    try:
        resolver.resolve(slug, "api_key")
    except ConfigurationError as exc:
        raise Invalid(exc.message, field="provider") from None
    return slug


def checked_name(name: str) -> str:
    """The name as it is stored."""
    try:
        return normalise_name(name)
    except ConfigurationError as exc:
        raise Invalid(exc.message, field="name") from None


def checked_api_key(api_key: str) -> str:
    """One word of printable ASCII, or nothing. The key is never repeated in an error."""
    try:
        return normalise_api_key(api_key)
    except ConfigurationError as exc:
        raise Invalid(exc.message, field="api_key") from None


def checked_base_url(slug: str, base_url: str) -> str:
    """A base URL this provider may have, or ""."""
    manifest = resolver.provider(slug)
    base_url = base_url.strip()
    if not base_url:
        if manifest.base_url_required:
            raise Invalid(
                f"{manifest.label} needs the base URL of the server.", field="base_url"
            )
        return ""
    if not manifest.base_url_editable:
        raise Invalid(
            f"{manifest.label} has one address only: leave the base URL empty.",
            field="base_url",
        )
    if len(base_url) > MAX_URL:
        raise Invalid(f"A base URL has at most {MAX_URL} characters.", field="base_url")
    try:
        return interface.check_base_url(base_url)
    except ConfigurationError as exc:
        raise Invalid(exc.message, field="base_url") from None


def _header_word(value: str, field: str) -> str:
    """It travels in a header, as the key does."""
    word = value.strip()
    if len(word) > MAX_WORD or not is_header_word(word):
        raise Invalid(
            f"The {field} is one word of at most {MAX_WORD} printable ASCII characters.",
            field=field,
        )
    return word
