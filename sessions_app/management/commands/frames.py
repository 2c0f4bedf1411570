"""`manage.py frames`: the generated half of docs/frames.md, or write it there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from sessions_app import frames_doc


class Command(BaseCommand):
    help = "Print the frames of /ws/chat/ as docs/frames.md has them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help="into docs/frames.md")

    def handle(self, *args: object, **options: Any) -> None:
        text = frames_doc.generated()
        if not options["write"]:
            self.stdout.write(text, ending="")
            return
        path = Path(settings.BASE_DIR) / "docs" / "frames.md"
        before = path.read_text().split(frames_doc.BEGIN)[0]
        path.write_text(before + text)
