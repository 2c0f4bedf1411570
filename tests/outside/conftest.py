"""The modules of the outside provider: installed once, outside the repository's files."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the provider and its installed modules; made once per lock file."""
    if not (shutil.which("node") and shutil.which("npm")):
        if os.environ.get("CI") == "true":
            pytest.fail("Node is missing, and CI skips nothing")
        pytest.skip("Node is missing: the outside check of logins did not run")
    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    place = HERE.parent.parent / "build" / f"outside-{lock}"
    if not (place / "node_modules" / ".done").exists():
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, place / name)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=place, check=True, timeout=300)
        (place / "node_modules" / ".done").touch()
    shutil.copy(HERE / "provider.mjs", place / "provider.mjs")
    return place
