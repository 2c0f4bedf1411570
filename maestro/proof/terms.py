"""How paths are proven: the same for all of them."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User

from maestro.proof.around import Around, Say
from providers.retry import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a path is proven. `model` "" is the vendor's usual one; `keep` leaves the
    credential; `idle_timeout_s` is the longest silence within an answer. `say` is for
    what goes on, `tell` for verdicts."""

    user: User
    around: Around
    say: Say
    tell: Say
    idle_timeout_s: float
    limits: Limits
    model: str = ""
    keep: bool = False
