"""Tokens and cost of all requests of an audit, added up. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from providers import catalogue
from providers.audit.report import AuditUsage
from providers.events import Usage
from providers.types import Model


def add_up(
    provider: str, model: str, usages: Sequence[Usage | None], facts: Model | None
) -> AuditUsage:
    """`usages`: one per response that began, None where the vendor counted nothing."""
    told = [usage for usage in usages if usage is not None]
    has_price = facts is not None and facts.price is not None
    costs = [
        catalogue.cost(provider, model, u, facts if has_price else None) for u in told
    ]
    priced = [cost for cost in costs if cost is not None]
    is_priced = bool(priced) and len(priced) == len(usages)
    return AuditUsage(
        requests=len(usages),
        input_tokens=sum(u.input_tokens or 0 for u in told),
        output_tokens=sum(u.output_tokens or 0 for u in told),
        cached_input_tokens=sum(u.cached_input_tokens or 0 for u in told),
        cache_write_tokens=sum(u.cache_write_tokens or 0 for u in told),
        reasoning_tokens=sum(u.reasoning_tokens or 0 for u in told),
        is_complete=len(told) == len(usages)
        and all(
            u.input_tokens is not None and u.output_tokens is not None for u in told
        ),
        cost_usd=f"{sum((c for c, _ in priced), Decimal(0)):f}" if is_priced else None,
        price_date=priced[0][1] if is_priced else "",
    )
