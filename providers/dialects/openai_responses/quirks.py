"""What may differ between two users of the Responses dialect, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """`provider` names the vendor in errors.

    `reasons`: the model takes reasoning controls. Models that do not reason refuse both
    `reasoning` and the request for encrypted reasoning with 400.
    """

    provider: str = "openai"
    reasons: bool = True


DEFAULT = Quirks()
