"""No orphans: a child dies with its parent, whatever killed the parent.

On Linux the kernel does it (PR_SET_PDEATHSIG); elsewhere a thread watches. A supervisor
can also adopt the grandchildren of a dead child, to end them too.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(parent: int, signum: int = signal.SIGKILL) -> None:
    """Call in a child: send it `signum` when the process `parent` ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent, signum), daemon=True).start()
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signum)


def _watch(parent: int, signum: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signum)


def let_forks_die_with_us() -> None:
    """Call once: every later fork of this process dies with its own parent.

    django-q2 forks a sentinel and that forks workers; when one of them is killed, those
    below would otherwise go on executing tasks for ever.
    """
    os.register_at_fork(after_in_child=lambda: die_with_parent(os.getppid()))


def adopt_orphans() -> None:
    """Call in a supervisor: orphaned descendants become our children (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_after_parent(parent: int, *, grace_s: float) -> None:
    """Call in a child: a polite signal when the parent ends, a hard end after `grace_s`.

    The polite one lets a web process store what it has; the hard one is for a process
    that does not listen.
    """
    die_with_parent(parent, signal.SIGTERM)
    threading.Thread(target=_end_hard, args=(parent, grace_s), daemon=True).start()


def _end_hard(parent: int, grace_s: float) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    time.sleep(grace_s)
    os._exit(1)
