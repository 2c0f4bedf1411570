"""Captured streams, served byte for byte: `--replay DIR`, DIR/<dialect>/<name>.sse.

Named by the control API, or by the model: `replay:<name>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from providers.emulator.faults import Cut
from providers.emulator.state import State
from providers.emulator.wire import Piece

_NAME = re.compile(r"[A-Za-z0-9_.-]+\Z")


def captured(state: State, dialect: str, model: str) -> Iterator[Piece] | None:
    """The stream that is next in the queue, else the one the model names, in pieces of
    `--replay-piece` bytes; None when there is no such file.

    A capture that breaks off within a line was cut, and the connection is cut again.
    """
    queued = state.replays.pop(0) if state.replays else ""
    path = find(state.replay_dir, dialect, queued or model.removeprefix("replay:"))
    return None if path is None else _pieces(path.read_bytes(), state.replay_piece)


def find(folder: Path | None, dialect: str, name: str) -> Path | None:
    """The file of that name, None when there is none. Never a path out of the folder."""
    if folder is None or not _NAME.match(name) or name.startswith("."):
        return None
    path = folder / dialect / f"{name}.sse"
    return path if path.is_file() else None


def _pieces(body: bytes, size: int) -> Iterator[Piece]:
    size = size or len(body) or 1
    for start in range(0, len(body), size):
        yield Piece(body[start : start + size], is_said=True)
    if not body.endswith((b"\n", b"\r")):
        raise Cut(how="finished")  # all there was has been sent
