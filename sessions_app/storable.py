"""What a vendor or a model wrote, made fit for any database."""

from __future__ import annotations

from typing import Any


def without_nul(value: Any) -> Any:
    """Plain JSON data without U+0000, which PostgreSQL stores neither as text nor as JSON.

    It says nothing to a reader; kept, it would keep an answer from ever being stored.
    """
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    if isinstance(value, dict):
        return {without_nul(key): without_nul(item) for key, item in value.items()}
    return value
