"""Captured streams, served byte for byte: `--replay DIR`, DIR/<dialect>/<name>.sse."""

from __future__ import annotations

import re
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9_.-]+\Z")


def find(folder: Path | None, dialect: str, name: str) -> Path | None:
    """The file of that name, None when there is none. Never a path out of the folder."""
    if folder is None or not _NAME.match(name) or name.startswith("."):
        return None
    path = folder / dialect / f"{name}.sse"
    return path if path.is_file() else None


def pieces(body: bytes, size: int) -> list[bytes]:
    """The body in pieces of `size` bytes; 0: as one."""
    size = size or len(body) or 1
    return [body[i : i + size] for i in range(0, len(body), size)]
