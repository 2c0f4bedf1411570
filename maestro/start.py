"""`bin/run`, once the environment exists: prepare, say where to go, keep it running.

python -m maestro.start [--host H] [--port P] [--data DIR] [--no-demo] [--url URL]
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import socket
import sys
import time
from pathlib import Path

from maestro.env import SettingError

_STARTED = time.monotonic()
EX_CONFIG = 78


def main(argv: list[str] | None = None) -> int:
    """Run until stopped. 0 after a clean stop, 78 for a fault the operator can mend."""
    arguments = _parse(argv)
    os.umask(0o077)  # database, keys and logs are nobody else's
    _environment(arguments)
    try:
        import django

        django.setup()
        return _run(arguments)
    except SettingError as exc:
        return _refuse(str(exc))


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/run", description="Start Maestro.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument(
        "--port",
        type=int,
        default=os.environ.get("PORT", "8000"),
        help="default: the variable PORT, else 8000",
    )
    parser.add_argument("--url", help="public URL, when it is not http://HOST:PORT")
    parser.add_argument(
        "--data", help="data directory (default: data/ in the checkout)"
    )
    parser.add_argument(
        "--no-demo",
        action="store_true",
        help="no demo credentials; removes those there are",
    )
    return parser.parse_args(argv)


def _environment(arguments: argparse.Namespace) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maestro.settings")
    if arguments.data:
        os.environ["MAESTRO_DATA"] = str(Path(arguments.data).resolve())
    if arguments.url:
        os.environ["MAESTRO_URL"] = arguments.url
    elif "MAESTRO_URL" not in os.environ:
        host = "127.0.0.1" if arguments.host in ("0.0.0.0", "::") else arguments.host  # noqa: S104
        name = f"[{host}]" if ":" in host else host
        os.environ["MAESTRO_URL"] = f"http://{name}:{arguments.port}"


def _run(arguments: argparse.Namespace) -> int:
    from django.conf import settings

    from maestro import web, worker
    from maestro.operations import joining, locks
    from maestro.operations.errors import OperationFailed
    from maestro.prepare import NotPrepared, prepare
    from maestro.supervisor import Child, Supervisor

    data_dir = Path(settings.DATA_DIR)
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Inherited by the children: nobody starts here while one of them still lives.
        lock = locks.hold(data_dir, alone=True)
        _check_port(arguments.host, arguments.port)
        joining.wait_for_database()
        prepare(_say)
        joining.refuse_company(_say)
        port_file = _demo(
            settings.MAESTRO_DEMO_PORT_FILE,
            wanted=settings.MAESTRO_DEMO and not arguments.no_demo,
        )
    except (NotPrepared, OperationFailed, OSError) as exc:
        return _refuse(str(exc))
    supervisor = Supervisor(
        [
            Child("emulator", lambda: _emulate(port_file), wanted=port_file.exists),
            Child("web", lambda: web.serve(arguments.host, arguments.port)),
            Child("worker", worker.work),
        ],
        on_started=lambda: _announce(arguments.host, arguments.port),
    )
    code = supervisor.run()
    lock.close()
    _say("stopped")
    return code


def _check_port(host: str, port: int) -> None:
    from maestro.prepare import NotPrepared

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            why = (
                "is in use"
                if exc.errno == errno.EADDRINUSE
                else f"cannot be used ({exc.strerror})"
            )
            raise NotPrepared(
                f"Port {port} on {host} {why}. Choose another with --port."
            ) from None


def _demo(port_file: Path, *, wanted: bool) -> Path:
    """Offer or remove the demo; the file holds a port while the emulator is needed."""
    from django.db import connections

    from sessions_app.services.credentials import demo

    if wanted:
        port = _free_port(port_file)
        is_there = demo.offer_demo(emulator_url=f"http://127.0.0.1:{port}")
    else:
        demo.withdraw_demo()
        is_there = False
    if is_there:
        port_file.write_text(str(port), encoding="ascii")
    else:
        port_file.unlink(missing_ok=True)
    connections.close_all()
    return port_file


def _free_port(port_file: Path) -> int:
    """The port of last time if it is still free, so that the demo keeps its address."""
    wanted = 0
    if port_file.exists():
        text = port_file.read_text(encoding="ascii").strip()
        wanted = int(text) if text.isdigit() else 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _emulate(port_file: Path) -> None:
    """In a child: become the emulator, which shares no code and no memory with us."""
    from django.conf import settings

    port = port_file.read_text(encoding="ascii").strip()
    command = [sys.executable, "-m", "providers.emulator", "--quiet", "--port", port]
    if not settings.MAESTRO_DEMO_CONTROL:
        command.append("--no-control")
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execv(sys.executable, command)  # noqa: S606


def _announce(host: str, port: int) -> None:
    """Wait until the web process answers, then say where to go."""
    from django.conf import settings
    from django.db import connections

    from sessions_app.services.people import setup

    target = ("127.0.0.1" if host in ("0.0.0.0", "") else host, port)  # noqa: S104
    for _ in range(600):
        try:
            socket.create_connection(target, timeout=1).close()
            break
        except OSError:
            time.sleep(0.05)
    token = setup.issue_setup_token()
    connections.close_all()
    _say(f"ready after {time.monotonic() - _STARTED:.1f} s")
    print(f"\n  Maestro   {settings.MAESTRO_URL}/", flush=True)  # noqa: T201
    if token:
        print(  # noqa: T201
            f"  Set up    {settings.MAESTRO_URL}/setup/{token}/\n"
            "            (works once, for one hour: choose the administrator's password)",
            flush=True,
        )
    print("\n  Ctrl-C stops it.\n", flush=True)  # noqa: T201


def _say(text: str) -> None:
    print(f"maestro: {text}", flush=True)  # noqa: T201


def _refuse(reason: str) -> int:
    print(f"maestro: cannot start. {reason}", file=sys.stderr, flush=True)  # noqa: T201
    return EX_CONFIG


if __name__ == "__main__":
    sys.exit(main())
