"""What a first start leaves, made once a process and copied from then on.

The schema in an empty SQLite database and the collected static files: seconds of work that
are the same for every installation. Keys and whatever names an installation are left out:
each makes its own.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.emulator import ROOT

DATABASE = "maestro.sqlite3"
OF_ONE_INSTALLATION = ("sessions_app_encryptioncanary", "sessions_app_installationfact")


def copy_to(data: Path) -> None:
    """Into the data directory of an installation that has not been started yet."""
    shutil.copytree(_template(), data, dirs_exist_ok=True)


@functools.cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="maestro-prepared-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MAESTRO_")}
    subprocess.run(
        [sys.executable, "manage.py", "prepare"],
        cwd=ROOT,
        env={
            **kept,
            "MAESTRO_DATA": str(folder),
            "DJANGO_SETTINGS_MODULE": "maestro.settings",
        },
        capture_output=True,
        check=True,
    )
    shutil.rmtree(folder / "keys")
    with sqlite3.connect(folder / DATABASE) as connection:
        for table in OF_ONE_INSTALLATION:
            connection.execute(f"DELETE FROM {table}")
    connection.close()
    return folder
