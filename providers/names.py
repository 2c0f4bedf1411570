"""The rule for names of saved authentications: a team's handles, install-wide.

3 to 50 of lower-case letters, digits, `_` and `-`; spaces become `_`, capitals become
small. Unique per provider and auth type.
"""

from __future__ import annotations

import re

from providers.errors import ConfigurationError

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
