"""`manage.py emulate_providers`: the vendors' wires on this machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from providers.emulator.__main__ import add_arguments, emulate


class Command(BaseCommand):
    """A shell over `python -m providers.emulator`; needs no database."""

    help = "Serve the vendors' wires: scripted answers, faults on demand, captured streams."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        code = emulate(argparse.Namespace(**options))
        if code:
            sys.exit(code)
