"""`python -m providers.emulator`: the emulator without Django. See `--help`."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from providers.emulator.server import run, write_port
from providers.emulator.state import State


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, shared with `manage.py emulate_providers`."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument("--port-file", type=Path, help="write the port to this file")
    parser.add_argument(
        "--pace",
        type=float,
        default=40.0,
        help="words per second; 0 is as fast as possible",
    )
    parser.add_argument(
        "--replay", type=Path, help="folder of <dialect>/<name>.sse to serve"
    )
    parser.add_argument(
        "--replay-piece",
        type=int,
        default=0,
        help="bytes per write of a replay; 0 is whole",
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    parser.add_argument(
        "--no-control",
        action="store_true",
        help="no control API, and nothing that comes is kept: for the demo",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON line at the start"
    )


def emulate(options: argparse.Namespace) -> int:
    """Serve until a signal: 0 after SIGTERM, 130 after Ctrl-C, 1 or 2 if it cannot."""
    if options.replay is not None and not options.replay.is_dir():
        print(f"There is no folder {options.replay}.", file=sys.stderr)  # noqa: T201
        return 2
    state = State(
        pace=options.pace,
        replay_dir=options.replay,
        replay_piece=options.replay_piece,
        has_control=not options.no_control,
    )

    def announce(port: int) -> None:
        write_port(options.port_file, port)
        base = f"http://{options.host}:{port}"
        vendors = ("openai", "anthropic", "gemini", "compatible")
        if options.json:
            urls = {vendor: f"{base}/{vendor}" for vendor in vendors}
            print(json.dumps({"port": port, "urls": urls}), flush=True)  # noqa: T201
        elif not options.quiet:
            lines = "\n".join(f"  {vendor:<11} {base}/{vendor}" for vendor in vendors)
            print(f"The emulator serves\n{lines}", flush=True)  # noqa: T201

    try:
        signum = asyncio.run(run(state, options.host, options.port, announce))
    except OSError as exc:
        print(f"Cannot listen on port {options.port}: {exc.strerror}.", file=sys.stderr)  # noqa: T201
        return 1
    return 130 if signum == signal.SIGINT else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m providers.emulator")
    add_arguments(parser)
    sys.exit(emulate(parser.parse_args()))
