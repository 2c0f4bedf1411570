"""What an answer cost, by the catalogue's prices: each of its vendors at its own."""

from __future__ import annotations

from decimal import Decimal

from providers import catalogue
from sessions_app.models import Run
from sessions_app.runs.log.response import RunResponse


def cost_of(run: Run, response: RunResponse) -> tuple[Decimal, str] | None:
    """(US dollars, ISO day of the oldest price); None where a price is not known.

    The emulator uses vendors' model names, but nobody is billed for its answers.
    """
    if run.is_demo:
        return None
    rows = [
        catalogue.cost(provider, model, usage)
        for provider, model, usage in response.spent_by(run.provider, run.model)
    ]
    known = [row for row in rows if row is not None]
    if not known or len(known) < len(rows):
        return None  # a part of the cost, shown as the cost, would be a lie
    return sum((row[0] for row in known), Decimal(0)), min(row[1] for row in known)
