#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maestro.settings")
    from django.core.management import execute_from_command_line

    from maestro.env import SettingError
    from maestro.start import EX_CONFIG

    try:
        execute_from_command_line(sys.argv)
    except SettingError as exc:  # the operator's to mend: no traceback says it better
        print(f"manage.py: {exc}", file=sys.stderr)  # noqa: T201
        sys.exit(EX_CONFIG)


if __name__ == "__main__":
    main()
