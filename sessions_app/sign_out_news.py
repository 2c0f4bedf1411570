"""Tells a person's open pages to find out whether they are still signed in.

Rung when a session ends or an account changes. Nothing is said about why: each socket
asks the database (`consumers/identity.py`) and closes itself. Where no bell rings, the
guard of sockets finds out within two seconds.
"""

from __future__ import annotations

from typing import Any

from maestro import doorbell
from sessions_app.tokens.credential_news import group_of_person

KIND = "look_again"


def look_again(user_id: Any) -> None:
    """Ring all pages of one person, in all processes."""
    doorbell.ring(group_of_person(user_id), {"kind": KIND, "frames": []})
