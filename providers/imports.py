"""Credential files of other programs: what an uploaded copy offers.

Called by the services that show the offers and save the chosen one. Pure: nothing is
stored, nothing is sent, and no path of this machine is ever read. Vendors recognise their
own programs' files (`providers.interface.Imports`); files that hold several vendors are in
`foreign_files.py`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from providers import resolver
from providers.errors import ConfigurationError
from providers.foreign_files import FILES, opencode_offers
from providers.offers import Offer

__all__ = ["MAX_BYTES", "Offer", "read_upload"]

MAX_BYTES = 256 * 1024  # the files have a few KiB
MAX_DEPTH = 16  # levels of objects and lists; the files have three


def read_upload(
    name: str, content: bytes, companion: bytes | None = None
) -> list[Offer]:
    """Everything that a file offers, refused offers included; never empty.

    `name` is the file's own name; `companion` the second file of formats that have two,
    in either order. Raises ConfigurationError that says what to upload instead.
    """
    document = _document(content)
    if companion is not None:
        document = _joined(document, _document(companion))
    installed = resolver.providers()
    found: list[Offer] = []
    for manifest in installed.values():
        if manifest.imports is not None:
            found += manifest.imports.offers(document, name)
    answered = {offer.provider for offer in found}
    found += opencode_offers(document, installed, answered)
    if not found:
        raise ConfigurationError(_unknown())
    return found


def understood() -> list[str]:
    """The files that are recognised here, one line each, for messages and pages."""
    lines: list[str] = []
    for manifest in resolver.providers().values():
        # A drop-in need not have this list: its files are recognised all the same.
        lines += getattr(manifest.imports, "files", ())
    return [*lines, *FILES]


def _unknown() -> str:
    return (
        "This is not a credential file that Maestro understands. It reads: "
        f"{'; '.join(understood())}. Anything else: add the API key by hand, or log in."
    )


def _joined(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Two files of one login as one document; both may say their version."""
    if (first.keys() & second.keys()) - {"version"}:
        raise ConfigurationError(
            "These two files do not belong together. Upload the configuration and the "
            "credentials file of the same profile, or one file alone."
        )
    return {**first, **second}


def _document(content: bytes) -> dict[str, Any]:
    if len(content) > MAX_BYTES:
        raise ConfigurationError(
            f"The file has more than {MAX_BYTES // 1024} KiB; credential files are far "
            "smaller. Choose the file itself, not an archive."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(
            "The file is not UTF-8 text. Upload an unchanged copy of it."
        ) from None
    if not text.strip():
        raise ConfigurationError(
            "The file is empty. Choose the file that has the login."
        )
    try:
        found = msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ConfigurationError(
            "The file is not JSON. Upload an unchanged copy of it; files that the other "
            "program encrypts cannot be imported."
        ) from None
    if not isinstance(found, dict):
        raise ConfigurationError(
            "The file holds no JSON object, so it is no credential file that Maestro "
            "understands."
        )
    if _is_deep(found):
        raise ConfigurationError(
            "The file is nested far deeper than credential files are. Upload an "
            "unchanged copy of it."
        )
    return found


def _is_deep(document: dict[str, Any]) -> bool:
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += value.values()
            elif isinstance(value, list):
                inner += value
        level = inner
        if not level:
            return False
    return True
