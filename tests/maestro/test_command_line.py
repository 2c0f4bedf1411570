"""`manage.py` with a setting that cannot be used: a line for the operator, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from maestro.start import EX_CONFIG


@pytest.mark.parametrize("command", ["check", "serve", "prepare", "config"])
def test_a_setting_that_cannot_be_used_is_said_in_one_line(
    tmp_path: Path, command: str
) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", command],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "maestro.settings",
            "MAESTRO_DATA": str(tmp_path),
            "MAESTRO_LOG_LEVEL": "LOUD",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == EX_CONFIG
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("manage.py: MAESTRO_LOG_LEVEL is one of")
