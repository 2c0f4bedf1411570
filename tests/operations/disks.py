"""A small disk of its own for a test: a tmpfs that can be filled and emptied again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class Disk:
    """A mounted tmpfs at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """To the last byte."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while file.write(b"\0" * size) == size:
                        pass
                except OSError:
                    continue
        assert os.statvfs(self.path).f_bavail == 0

    def make_room(self) -> None:
        self._ballast.unlink()

    def remount(self, mode: str) -> None:
        """`ro` or `rw`; only while nothing there is open for writing."""
        subprocess.run(["mount", "-o", f"remount,{mode}", self.path], check=True)


@contextmanager
def small_disk(path: Path, megabytes: int, inodes: int = 0) -> Iterator[Disk]:
    """Needs the right to mount: root, as in CI. Skipped with a word elsewhere."""
    path.mkdir()
    size = f"size={megabytes}m,nr_inodes={inodes}"  # 0 is no limit
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", path],
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        reason = f"a small disk cannot be mounted here: {done.stderr.strip()}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)
