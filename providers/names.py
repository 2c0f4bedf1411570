"""What people type about a credential, checked: names and words for headers. Pure.

A name is a team's handle, install-wide: 3 to 50 of lower-case letters, digits, `_` and
`-`; spaces become `_`, capitals become small. Unique per provider and auth type.
"""

from __future__ import annotations

import re

from providers.errors import ConfigurationError

MAX_API_KEY = 8_000  # characters; the longest keys we know have some 300

NAME_PATTERN = re.compile(r"[a-z0-9_-]{3,50}\Z")


def normalise_name(name: str) -> str:
    """The name as it is stored. Raises ConfigurationError with the reason."""
    plain = re.sub(r"\s+", "_", name.strip()).lower()
    if not plain:
        raise ConfigurationError("Give the credential a name, for example “work”.")
    if not NAME_PATTERN.match(plain):
        raise ConfigurationError(
            "A name has 3 to 50 characters: letters a to z, digits, “_” and “-”."
        )
    return plain


def is_header_word(text: str) -> bool:
    """Whether it may be a value in a header: printable ASCII without spaces, or empty.

    A line break in it would be a header of its own.
    """
    return all("!" <= char <= "~" for char in text)


def normalise_api_key(api_key: str) -> str:
    """The key as it is stored, "" for none. Raises ConfigurationError, without the key."""
    key = api_key.strip()
    if len(key) > MAX_API_KEY:
        raise ConfigurationError(
            f"An API key has at most {MAX_API_KEY} characters. Copy only the key."
        )
    if not is_header_word(key):
        raise ConfigurationError(
            "An API key is one word of printable ASCII. Copy it again, without spaces "
            "or line breaks."
        )
    return key
