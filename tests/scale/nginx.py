"""Debian's nginx with the project's own configuration, in front of web processes."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.emulator import ROOT
from tests.faults.world import _free_port as free_port
from tests.scale.servers import missing

DEPLOY = ROOT / "deploy" / "nginx"
_PLACES = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]


class Nginx:
    """`deploy/nginx/compose.conf` with these ports, below `path`."""

    def __init__(self, port: int = 0, *, buffering: bool = False) -> None:
        self.port = port or free_port()
        self._buffering = buffering
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="maestro-nginx-")

    def start(self, ports: list[int], path: str = "/") -> None:
        """Serve; `ports` are those of the web processes."""
        folder = Path(self._folder.name)
        folder.chmod(0o755)
        program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        if not program:
            missing("nginx")
        snippet = (DEPLOY / "maestro.conf").read_text()
        if self._buffering:
            snippet = snippet.replace("proxy_buffering off;", "proxy_buffering on;")
        (folder / "maestro.conf").write_text(snippet)
        (folder / "nginx.conf").write_text(self._conf(ports, path))
        self._process = subprocess.Popen(
            [str(program), "-p", str(folder), "-c", str(folder / "nginx.conf")]
        )
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            time.sleep(0.05)
        raise AssertionError("nginx does not answer")

    def _conf(self, ports: list[int], path: str) -> str:
        servers = "\n".join(f"    server 127.0.0.1:{port};" for port in ports)
        server = (DEPLOY / "compose.conf").read_text()
        for old, new in (
            ("    server web:8000;", servers),
            ("listen 8080;", f"listen 127.0.0.1:{self.port};"),
            ("location / {", f"location {path} {{"),
            ("snippets/maestro.conf", f"{self._folder.name}/maestro.conf"),
        ):
            assert old in server, f"compose.conf has no {old!r} any more"
            server = server.replace(old, new)
        temporary = "\n".join(
            f"{place}_temp_path {self._folder.name}/{place};" for place in _PLACES
        )
        user = "user root;" if os.geteuid() == 0 else ""
        return (
            f"daemon off; {user} pid {self._folder.name}/pid; error_log stderr warn;\n"
            f"events {{ worker_connections 256; }}\n"
            f"http {{ access_log off;\n{temporary}\n{server}\n}}\n"
        )

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
        self._folder.cleanup()
