"""The virtual environment of this checkout: made and kept in step with a lock file.

Used by bin/run and bin/test. Standard library only, because nothing else is there yet.
Everything is installed by hash; a stamp of the lock makes the second time instant. What
Python would run at its start, unasked, is looked for before Python is started.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(os.environ.get("MAESTRO_VENV", ROOT / ".venv"))
PYTHON = VENV / "bin" / "python"

# Lines of `.pth` files that may run code at the start of Python: those of setuptools and
# virtualenv. Stolen publishers' tokens have put others there.
KNOWN_HOOKS = {
    "distutils-precedence.pth": "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; "
    "enabled = os.environ.get(var, 'local') == 'local'; "
    "enabled and __import__('_distutils_hack').add_shim();",
    "_virtualenv.pth": "import _virtualenv",
}


def ensure(lock: str) -> Path:
    """Make the environment hold what `lock` says; the path of its Python."""
    if sys.version_info < (3, 11):
        sys.exit(
            f"Maestro needs Python 3.11 or newer; this is {sys.version.split()[0]}. "
            "Install one and start with it, for example: python3.12 bin/run"
        )
    text = (ROOT / lock).read_bytes()
    # A newer lock that includes an older one serves both (dev includes run time).
    wanted = hashlib.sha256(text + str(sys.version_info[:2]).encode()).hexdigest()
    stamp = VENV / f".{lock}.sha256"
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        refuse_startup_hooks()
        return PYTHON
    started = time.monotonic()
    if not PYTHON.exists():
        print(f"maestro: making the environment in {VENV}", flush=True)
        _make()
    print(f"maestro: installing {lock} by hash (this happens once) …", flush=True)
    _install(lock)
    refuse_startup_hooks()
    for other in VENV.glob(".requirements*.sha256"):
        other.unlink()
    for name in _served_by(lock):
        body = (ROOT / name).read_bytes()
        digest = hashlib.sha256(body + str(sys.version_info[:2]).encode()).hexdigest()
        (VENV / f".{name}.sha256").write_text(digest)
    print(f"maestro: installed in {time.monotonic() - started:.0f} s", flush=True)
    return PYTHON


# What each lock includes, itself last: an environment made from it serves them all.
_INCLUDES = {
    "requirements.txt": [],
    "requirements-scale.txt": ["requirements.txt"],
    "requirements-sso.txt": ["requirements.txt"],
    "requirements-dev.txt": [
        "requirements.txt",
        "requirements-scale.txt",
        "requirements-sso.txt",
    ],
}


def refuse_startup_hooks() -> None:
    """Exit when something in the environment would run at every start of Python."""
    for packages in VENV.glob("lib/python*/site-packages"):
        if found := startup_hooks(packages):
            sys.exit(
                f"maestro: {', '.join(found)} in {packages} would run code at every start "
                "of Python, and is not one of the files known to do so. Find out where it "
                "comes from; if you trust it, remove it all the same: nothing here needs it."
            )


def startup_hooks(packages: Path) -> list[str]:
    """Names of files there that Python runs at its start and that nobody here knows."""
    modules = ("sitecustomize.py", "usercustomize.py")
    hooks = [name for name in modules if (packages / name).exists()]
    for path in sorted(packages.glob("*.pth")):
        lines = path.read_text(errors="replace").splitlines()
        runs = [
            line.strip() for line in lines if line.startswith(("import ", "import\t"))
        ]
        if any(line != KNOWN_HOOKS.get(path.name) for line in runs):
            hooks.append(path.name)
    return hooks


def _served_by(lock: str) -> list[str]:
    return [*_INCLUDES[lock], lock]


def _make() -> None:
    # Checkouts may share one by links; a link to one that is gone is no reason to stop.
    place = str(VENV.resolve())
    made = subprocess.run(
        [sys.executable, "-m", "venv", place], capture_output=True, text=True
    )
    if made.returncode == 0:
        return
    # Debian's Python may lack ensurepip: an empty environment and an outside pip do.
    shutil.rmtree(place, ignore_errors=True)
    bare = [sys.executable, "-m", "venv", "--without-pip", place]
    if subprocess.run(bare, capture_output=True).returncode != 0:
        sys.exit(
            "maestro: cannot make a virtual environment here.\n"
            f"{made.stderr.strip() or made.stdout.strip()}\n"
            "On Debian or Ubuntu: apt install python3-venv"
        )


def _install(lock: str) -> None:
    arguments = ["--require-hashes", "--only-binary=:all:", "-r", str(ROOT / lock)]
    for command in _installers():
        done = subprocess.run([*command, *arguments], capture_output=True, text=True)
        if done.returncode == 0:
            return
    sys.stderr.write(done.stdout[-2000:] + done.stderr[-2000:])
    sys.exit(
        "\nmaestro: the packages could not be installed. Is the package registry reachable? "
        "Behind a proxy, set HTTPS_PROXY or pip's index-url and start again."
    )


def _installers() -> list[list[str]]:
    """uv where it is on the PATH, pip otherwise; the next one if the first fails."""
    found: list[list[str]] = []
    if uv := shutil.which("uv"):
        found.append([uv, "pip", "install", "--quiet", "--python", str(PYTHON)])
    quiet = ["install", "--quiet", "--disable-pip-version-check"]
    if (VENV / "bin" / "pip").exists():
        found.append([str(PYTHON), "-m", "pip", *quiet])
    else:
        found.append([sys.executable, "-m", "pip", "--python", str(PYTHON), *quiet])
    return found
