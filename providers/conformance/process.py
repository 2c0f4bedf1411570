"""The emulator as a process of the conformance suite, and the way to talk to it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import providers
from providers.errors import ProviderUnavailable
from providers.http.client import HttpClient, client_for
from providers.interface import ApiCall

_ROOT = Path(providers.__file__).resolve().parent.parent
_START_TIMEOUT_S = 20.0
_STOP_TIMEOUT_S = 5.0
_CONTROL = "_emulator"


class EmulatorProcess:
    """A running emulator on a free port of this machine. A context manager; `base_url`
    has no slash at its end. `pace`: words per second, 0 is as fast as it can.

    Raises ProviderUnavailable, with what the process said, when it does not start.
    """

    base_url: str

    def __init__(self, *, pace: float = 0) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="maestro-emulator-")
        self._said = Path(self._folder.name) / "said"
        port_file = Path(self._folder.name) / "port"
        command = [sys.executable, "-m", "providers.emulator", "--port", "0"]
        command += ["--pace", str(pace), "--port-file", str(port_file)]
        with self._said.open("wb") as said:
            # Ctrl-C is for whoever uses it, who may want to say good-bye to it first.
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter, our own words
                command,
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        try:
            self.base_url = f"http://127.0.0.1:{self._port(port_file)}"
            self._client: HttpClient = client_for(
                provider="emulator", base_url=self.base_url
            )
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def get(self, path: str) -> Any:
        """What the control API knows."""
        return self._client.get_json(f"{_CONTROL}/{path}")

    def post(self, path: str, data: dict[str, Any]) -> None:
        """What happens next."""
        self._client.post_json(f"{_CONTROL}/{path}", data)

    def reset(self) -> None:
        """Forget everything."""
        self._client.request_json(ApiCall(path=_CONTROL, method="DELETE"))

    def stop(self) -> None:
        """End the process and remove its files."""
        self._client.close()
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def _port(self, port_file: Path) -> int:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            if port_file.exists():
                return int(port_file.read_text("ascii"))
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        said = self._said.read_text("utf-8", "replace").strip().splitlines()
        reason = said[-1][:300] if said else "it said nothing"
        raise ProviderUnavailable(
            f"The emulator did not start: {reason}", provider="emulator"
        )
