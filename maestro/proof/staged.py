"""The other side of `stage.py`: make an installation in the data directory, then prove.

python -m maestro.proof.staged e2e openai oauth --emulator-at http://127.0.0.1:PORT
"""

from __future__ import annotations

import os
import sys


def main(arguments: list[str]) -> None:
    """Keys, schema, one administrator; then the command, as manage.py runs it."""
    os.umask(0o077)
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.core.management import call_command, execute_from_command_line

    from maestro.proof.interrupts import Stopped, stopped_in_order
    from sessions_app.sealing import crypto

    try:
        with stopped_in_order():
            crypto.ensure_key_file(settings.MAESTRO_KEY_FILE)
            call_command("migrate", verbosity=0, interactive=False)
            User.objects.create_superuser("e2e")
    except Stopped as stopped:
        sys.exit(stopped.code)
    execute_from_command_line(["manage.py", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
