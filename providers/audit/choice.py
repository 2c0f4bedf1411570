"""Which provider audits when nobody says: a wish list as data. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

# Gemini first, where one is connected: the owner of the project decided so.
PREFERRED = ("gemini", "anthropic", "openai")


def choose_provider(
    connected: Iterable[str], preferred: Sequence[str] = PREFERRED
) -> str | None:
    """The most wanted of the connected providers; one that nobody listed comes last, in
    the order given. None where none is connected."""
    places = {slug: at for at, slug in enumerate(preferred)}
    return min(connected, key=lambda s: places.get(s, len(places)), default=None)
