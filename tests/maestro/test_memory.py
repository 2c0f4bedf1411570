"""Threads of the web process share heaps: an answer costs what it holds, and no more."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

THREADS = 24
# A heap of a thread is a reservation of 64 MB, of which a little is in use.
CODE = f"""
import ctypes, threading
from maestro import memory
WANTED
gate = threading.Barrier({THREADS + 1})
def hold():
    ctypes.CDLL(None).malloc(4000)
    gate.wait(); gate.wait()
for _ in range({THREADS}):
    threading.Thread(target=hold).start()
gate.wait()
sizes = []
for line in open("/proc/self/maps"):
    ends, rights = line.split()[:2]
    low, high = (int(end, 16) for end in ends.split("-"))
    sizes.append((high - low, rights))
print(sum(60 << 20 < size < 65 << 20 and rights == "---p" for size, rights in sizes))
gate.wait()
"""


def heaps(wanted: str) -> int:
    code = CODE.replace("WANTED", wanted)
    return int(subprocess.check_output([sys.executable, "-c", code], text=True))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="for glibc")
def test_many_threads_have_few_heaps() -> None:
    assert heaps("") > 2, "nothing to share here: the measure is wrong"
    assert heaps("memory.share_heaps()") <= 2
