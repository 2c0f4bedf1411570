"""What generic code may know of a vendor by its slug alone. Pure.

The resolver publishes it from the manifests it found; the error table reads it. The table
is below the manifests in the layers (decoders use it, manifests hold decoders), so it
cannot ask the resolver itself. A slug that nobody published is named after itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorFacts:
    """`label` is for sentences; the other is `Provider.quota_without_wait`."""

    label: str
    quota_without_wait: bool = False


_published: Mapping[str, VendorFacts] = {}


def publish(facts: Mapping[str, VendorFacts]) -> None:
    """Replace what is known with the facts of these slugs."""
    global _published
    _published = dict(facts)


def facts_of(slug: str) -> VendorFacts:
    """The facts of a vendor; of an unknown one, what its slug gives."""
    known = _published.get(slug)
    if known is not None:
        return known
    words = slug.replace("_", " ").replace("-", " ").title()
    return VendorFacts(label=words or "The provider")
