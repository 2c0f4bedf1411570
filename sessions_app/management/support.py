"""What the commands share: the acting person, exit codes, output for people and JSON.

0 done   1 failed   2 bad usage   3 checked, and found a problem
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management.base import CommandError, CommandParser
from django.db import Error

from providers.errors import ProviderError
from sessions_app.errors import Invalid, ServiceError
from sessions_app.services.credentials import find_credential, list_credentials

FAILED, USAGE, PROBLEM = 1, 2, 3


def add_common_arguments(parser: CommandParser) -> None:
    """`--user` and `--json`, the same in every command."""
    parser.add_argument(
        "--user",
        default="",
        metavar="NAME",
        help="who acts (default: the first superuser)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document instead of text"
    )


def acting_user(name: str) -> User:
    """The person of that name, or the first superuser. Raises CommandError."""
    people = get_user_model()._default_manager.filter(is_active=True)
    if name:
        found = people.filter(username=name).first()
        if found is None:
            raise CommandError(f"There is no active user {name!r}.", returncode=USAGE)
    else:
        found = people.filter(is_superuser=True).order_by("pk").first()
        if found is None:
            raise CommandError(
                "Nobody is an administrator yet: open the set-up link that bin/run "
                "prints, or run `manage.py createsuperuser`. Or say --user NAME.",
                returncode=USAGE,
            )
    assert isinstance(found, User)
    return found


def chosen_credential(user: User, options: dict[str, Any]) -> UUID | None:
    """What `--credential` and `--provider` name; None where neither does."""
    if options["credential"]:
        found = find_credential(
            user=user, name=options["credential"], provider=options["provider"]
        )
        return found.pk
    if not options["provider"]:
        return None
    rows = list_credentials(user=user).filter(provider=options["provider"])
    first = rows.order_by("is_demo", "-last_used_at", "name").first()
    if first is None:
        raise CommandError(
            f"There is no {options['provider']} credential that you may use.",
            returncode=USAGE,
        )
    return first.pk


@contextmanager
def errors_in_words() -> Iterator[None]:
    """Errors for people become one line on stderr and an exit code; bugs stay bugs."""
    try:
        yield
    except Invalid as exc:
        raise CommandError(exc.message, returncode=USAGE) from None
    except (ServiceError, ProviderError) as exc:
        raise CommandError(exc.message, returncode=FAILED) from None
    except Error as exc:
        raise CommandError(
            f"The database does not answer as expected ({type(exc).__name__}). Is it "
            "there, and is it migrated? Run `manage.py migrate`.",
            returncode=FAILED,
        ) from exc


def as_json(document: Any) -> str:
    """One document on one line."""
    return json.dumps(document, ensure_ascii=False, default=str)


def one_line(text: str) -> str:
    """What a model or a vendor wrote must not draw on a terminal."""
    return "".join(c if c.isprintable() else "�" for c in text)


def as_table(rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned, two spaces between; the first row is the heading."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )
    return "\n".join(lines)
