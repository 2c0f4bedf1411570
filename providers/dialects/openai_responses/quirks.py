"""What may differ between two users of the Responses dialect, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """`provider` names the vendor in errors.

    `reasons`: the model takes reasoning controls. Models that do not reason refuse both
    `reasoning` and the request for encrypted reasoning with 400. `is_plan`: a ChatGPT plan
    pays: `instructions` must be there, and limits and sampling are the plan's. `namespace`:
    the group that function tools must be in; "" for none.
    """

    provider: str = "openai"
    reasons: bool = True
    is_plan: bool = False
    namespace: str = ""


DEFAULT = Quirks()
