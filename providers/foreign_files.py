"""Files of programs that keep credentials of several vendors.

    opencode   {"<vendor>": {"type": "api", "key"} | {"type": "oauth", "access",
               "refresh", "expires" (ms), "accountId"?}, …}
    llxprt     one file per vendor: {"access_token", "refresh_token"?, "expiry" (s),
               "token_type", …}; only the file's name says whose it is

API keys are the same everywhere and are read here; a vendor reads its own logins.

Sources: packages/opencode/src/auth/index.ts in https://github.com/anomalyco/opencode;
packages/core/src/auth/token-store.ts in https://github.com/vybestack/llxprt-code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from providers.interface import Provider
from providers.offers import Offer, api_key_offer, refused

OPENCODE = "opencode (auth.json)"
LLXPRT = "LLxprt Code (oauth folder)"
FILES = ("opencode: auth.json", "LLxprt Code: oauth/<vendor>.json")

_OPENCODE_TYPES = ("api", "oauth", "wellknown")
# opencode's names where they are not ours.
_OPENCODE_NAMES = {"google": "gemini"}
_LLXPRT_FILE = re.compile(r"(?:^|[\\/])([a-z]+)[^\\/a-z][^\\/]*\Z")


def opencode_entries(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The entries by our slug; {} for what is not opencode's file."""
    values = list(document.values())
    if not all(isinstance(value, dict) for value in values):
        return {}
    if not any(value.get("type") in _OPENCODE_TYPES for value in values):
        return {}
    return {_OPENCODE_NAMES.get(name, name): entry for name, entry in document.items()}


def opencode_login(document: Mapping[str, Any], slug: str) -> dict[str, Any] | None:
    """The OAuth entry of one vendor."""
    entry = opencode_entries(document).get(slug)
    return entry if entry is not None and entry.get("type") == "oauth" else None


def is_llxprt(
    document: Mapping[str, Any], file_name: str, names: Sequence[str]
) -> bool:
    """Whether this is llxprt's login of one of the vendors `names`."""
    if not {"access_token", "expiry", "token_type"} <= document.keys():
        return False
    match = _LLXPRT_FILE.search(file_name.lower())
    return match is not None and match[1] in names


def opencode_offers(
    document: Mapping[str, Any],
    installed: Mapping[str, Provider],
    answered: set[str],
) -> list[Offer]:
    """API keys of every vendor that is installed, and a word on the rest.

    `answered`: vendors that have read their own login already. Names that we do not know
    are counted and not repeated.
    """
    found: list[Offer] = []
    strangers = 0
    for slug, entry in opencode_entries(document).items():
        manifest = installed.get(slug)
        if manifest is None:
            strangers += 1
        elif entry.get("type") == "api":
            found.append(_api_key(manifest, entry))
        elif slug not in answered:
            found.append(
                refused(
                    source=OPENCODE,
                    provider=slug,
                    auth_type="oauth",
                    why=f"Logins of {manifest.label} are not taken over from this file. "
                    "Add the credential by hand.",
                )
            )
    if strangers:
        entries = "One entry is" if strangers == 1 else f"{strangers} entries are"
        found.append(
            refused(
                source=OPENCODE,
                provider="",
                auth_type="api_key",
                why=f"{entries} for vendors that are not installed here.",
            )
        )
    return found


def _api_key(manifest: Provider, entry: Mapping[str, Any]) -> Offer:
    why = ""
    if manifest.api_key is None:
        why = f"{manifest.label} does not take API keys here."
    elif manifest.base_url_required:
        why = (
            "The file does not say which server this key is for. Add it by hand, with "
            "the address of the server."
        )
    if why:
        return refused(
            source=OPENCODE, provider=manifest.slug, auth_type="api_key", why=why
        )
    return api_key_offer(
        source=OPENCODE, provider=manifest.slug, document=entry, field="key"
    )
