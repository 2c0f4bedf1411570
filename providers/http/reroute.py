"""Rerouting of whole origins: the vendor's address stays, the bytes go elsewhere.

Used by tests and by offline checks against the emulator, through
`configure(HttpSettings(reroute={"https://api.openai.com": "http://127.0.0.1:1234/openai"}))`.
Provider code and the binding of a credential to its origin see the vendor's address.
"""

from __future__ import annotations

from collections.abc import Mapping

from providers.http.urls import after_origin, origin


def reroute(url: str, table: Mapping[str, str]) -> str:
    """`url` with its origin replaced if the table has it.

    The table maps canonical origins to base URLs, which may have a path of their own.
    """
    target = table.get(origin(url)) if table else None
    if target is None:
        return url
    return target + after_origin(url)
