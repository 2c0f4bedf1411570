"""`--emulator`: the same command in a throw-away installation, against an emulator.

The installation whose command was called is not touched: another process works in a
temporary data directory with keys and a database of its own, and sees none of our
settings. A process, not a swap of settings in this one: nothing that was cached here can
lead back to the real database.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from providers.conformance.process import EmulatorProcess

_ROOT = Path(__file__).resolve().parent.parent.parent
# Words a second: a stream that takes half a second can be broken off in the middle.
_PACE = 500.0
_KEPT = ("MAESTRO_LOG_LEVEL", "MAESTRO_LOG_FORMAT", "MAESTRO_CATALOGUE_FILE")


def run_on_a_stage(arguments: list[str]) -> int:
    """Run the command with these arguments there; its exit status. Ends what it started.

    Raises ProviderUnavailable when the emulator does not start.
    """
    with (
        tempfile.TemporaryDirectory(prefix="maestro-e2e-") as data,
        EmulatorProcess(pace=_PACE) as emulator,
    ):
        command = [sys.executable, "-m", "maestro.proof.staged", *arguments]
        child = subprocess.Popen(  # noqa: S603  our own interpreter, our own words
            [*command, "--emulator-at", emulator.base_url],
            cwd=Path.cwd(),
            env=_environment(data),
            stdin=subprocess.DEVNULL,
            # A Ctrl-C of the terminal reaches us alone; we tell it, once.
            start_new_session=True,
        )
        try:
            return child.wait()
        except KeyboardInterrupt:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGINT)
            child.wait()
            raise
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()


def _environment(data: str) -> dict[str, str]:
    """Ours without the operator's settings: no database, no proxy, no key of theirs."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MAESTRO_") or name in _KEPT
    }
    path = os.pathsep.join([str(_ROOT), *filter(None, [kept.get("PYTHONPATH")])])
    return {
        "MAESTRO_LOG_LEVEL": "WARNING",
        **kept,
        "PYTHONPATH": path,
        "DJANGO_SETTINGS_MODULE": "maestro.settings",
        "MAESTRO_DATA": data,
        "MAESTRO_LOGIN_LISTENER": "true",
    }
