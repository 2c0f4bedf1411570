"""`manage.py rotate_keys`: everything encrypted with the newest key, while all works on."""

from __future__ import annotations

import sys
import time
from typing import Any

from django.core.management.base import CommandParser

from maestro.operations.commands import OperationCommand
from maestro.operations.errors import PROBLEM
from sessions_app.sealing import crypto, key_changes
from sessions_app.services import rotation


class Command(OperationCommand):
    """A shell over `services.rotation`. Exit code 3 when something stays behind."""

    help = (
        "Re-encrypt all saved secrets with the newest key. Safe while Maestro runs, and "
        "safe to repeat after it was killed."
    )
    stopped = "Stopped. Both keys work; run it again and it goes on where it ended."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--new-key", action="store_true", help="first put a fresh key in front"
        )
        parser.add_argument(
            "--drop-old",
            action="store_true",
            help="then remove the older keys that nothing uses; older backups need them",
        )
        parser.add_argument(
            "--status", action="store_true", help="only tell which keys are in use"
        )

    def operate(self, options: dict[str, Any]) -> None:
        if options["status"]:
            self._status(options["json"])
            return
        if options["drop_old"]:
            key_changes.require_file()  # say so now, not after the long part
        if options["new_key"]:
            self.progress(f"made the key {key_changes.add_newest()}", 0, 1)
        done = self._rotate()
        document: dict[str, Any] = {
            "key": done.key, "changed": done.changed, "dropped": [], "kept": {},
            "unreadable": done.unreadable_count,
        }  # fmt: skip
        lines = [f"{done.changed} values re-encrypted with key {done.key}"]
        lines += [
            f"unreadable: {label} {pk}: {why}" for label, pk, why in done.unreadable
        ]
        if options["drop_old"]:
            self._wait()
            again = self._rotate()  # what was being stored meanwhile
            document["changed"] += again.changed
            document["dropped"], document["kept"] = rotation.drop_unused()
            lines += [
                f"removed key {key}; backups made with it still need it"
                for key in document["dropped"]
            ]
            lines += [
                f"kept key {key}: {count} values use it"
                for key, count in document["kept"].items()
            ]
        self.show(document, "\n".join(lines), as_json=options["json"])
        if document["unreadable"] or document["kept"]:
            sys.exit(PROBLEM)

    def _rotate(self) -> rotation.Rotated:
        return rotation.rotate(
            lambda done, total: self.progress("re-encrypting", done, total)
        )

    def _wait(self) -> None:
        while (left_s := rotation.settle_s()) > 0:
            self.progress(
                "waiting until nobody can still be storing with an old key",
                int(rotation.SETTLED_S - left_s),
                int(rotation.SETTLED_S),
            )
            time.sleep(min(1.0, left_s))

    def _status(self, as_json: bool) -> None:
        ids = crypto.keyring().ids
        used = rotation.in_use()
        document = {
            "keys": ids,
            "in_use": {label: dict(counts) for label, counts in used.items()},
        }
        lines = [f"key {key}{' (newest)' if key == ids[0] else ''}" for key in ids]
        for label, counts in used.items():
            for key, count in sorted(counts.items()):
                note = "" if key in ids else ", which is not here"
                lines.append(f"{count} {label} with key {key}{note}")
        self.show(document, "\n".join(lines), as_json=as_json)
