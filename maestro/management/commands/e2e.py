"""`manage.py e2e VENDOR|all [oauth|api_key]`: prove a vendor end to end.

From the login to the last trace, with your own credential or, with --emulator, with
nothing at all. See docs/e2e.md for what is checked and for the report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandParser

from maestro.proof.commands import ProofCommand
from maestro.proof.plan import paths_of
from providers.types import AuthType
from sessions_app.management import new_keys


class Command(ProofCommand):
    """A shell over `maestro.proof`."""

    help = "Prove that a vendor works here, from the login to a streamed answer."
    name = "e2e"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", help="slug, or `all` that have a login")
        parser.add_argument("auth_type", nargs="?", default="", metavar="oauth|api_key")
        super().add_arguments(parser)
        new_keys.add_arguments(parser)
        parser.add_argument("--base-url", default="", help="address of a server")
        parser.add_argument("--organization", default="")
        parser.add_argument("--project", default="")

    def paths(self, options: dict[str, Any]) -> Sequence[tuple[str, AuthType]]:
        return paths_of(options["provider"], options["auth_type"])

    def words(self, options: dict[str, Any]) -> list[str]:
        return [w for w in (options["provider"], options["auth_type"]) if w]
