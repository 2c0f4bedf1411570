"""The operator's default limits: `person.requests=500,installation.cost=100` as numbers.

Read once at the start; a word that nobody knows, or an amount that is none, stops it.
Rules of the admin (`UsageLimit`) come before these. docs/limits.md has the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from maestro.env import SettingError

SCOPES = ("person", "credential", "team", "installation")
METRICS = ("requests", "tokens", "cost", "runs")
DEFAULTS = {"person.runs": "50"}


def read_limits(given: Mapping[str, str]) -> dict[str, Decimal]:
    """Amounts by "scope.metric"; `none` takes a default away. Raises SettingError."""
    found: dict[str, Decimal] = {}
    for name, text in {**DEFAULTS, **given}.items():
        scope, _, metric = name.strip().partition(".")
        if scope not in SCOPES or metric not in METRICS:
            raise SettingError(
                f"MAESTRO_LIMITS has no limit “{name}”. It is one of "
                f"{', '.join(SCOPES)}, a dot, and one of {', '.join(METRICS)}."
            )
        if text.strip().lower() == "none":
            continue
        try:
            amount = Decimal(text.strip())
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or amount < 0:
            raise SettingError(f"MAESTRO_LIMITS: {name} must be a number, or none.")
        found[f"{scope}.{metric}"] = amount
    return found


def read_zone(name: str) -> ZoneInfo:
    """The zone in which a day of limits begins and ends. Raises SettingError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingError(
            "MAESTRO_USAGE_TIME_ZONE must be a name like UTC or Europe/Berlin."
        ) from None
