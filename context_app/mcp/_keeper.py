"""The process above a stdio server: it ends with us, and leaves none of the server behind.

Started as a script of its own (never imported) by `stdio_link.py`: `_keeper.py PARENT
COMMAND ARGUMENTS…`. Its input and output are the server's. Whatever the server starts,
also what detaches itself, is a descendant of this process (a subreaper, prctl(2)) and is
ended with the server: asked first, killed after two seconds.
"""

import ctypes
import os
import signal
import sys
import time

_GRACE_S = 2.0
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 36, 38
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

_kill_at = 0.0  # monotonic time after which everything is killed; 0: nobody asked


def main() -> None:
    """Run one server; exits as it did, or with 128 + its signal."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in _SIGNALS:
        signal.signal(number, _on_signal)
    first = os.fork()
    if first == 0:
        _become(command, libc)
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1):  # or nobody would see the end of either
        os.dup2(null, descriptor)
    if os.getppid() != parent:  # it ended before we asked to be told
        _on_signal(signal.SIGTERM, None)
    os._exit(_watched(first))


def _become(command: list[str], libc: ctypes.CDLL) -> None:
    for number in (*_SIGNALS, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    try:
        os.execvp(command[0], command)  # noqa: S606 -- the operator's own command
    except OSError as exc:
        os.write(2, f"cannot start: {exc.strerror}\n".encode())
    os._exit(127)


def _watched(first: int) -> int:
    """Wait for the end of `first`, then see to it that nothing else is left."""
    code = None
    while code is None:
        if _kill_at and time.monotonic() > _kill_at:
            _tell_all(signal.SIGKILL)
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 1
        if pid == first:
            code = os.waitstatus_to_exitcode(status)
        elif pid == 0:
            time.sleep(0.02 if _kill_at else 0.1)
    while _tell_all(signal.SIGKILL):
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            break
    return code if code >= 0 else 128 - code


def _on_signal(number: int, frame: object) -> None:
    global _kill_at
    if not _kill_at:
        _kill_at = time.monotonic() + _GRACE_S
    _tell_all(signal.SIGTERM)


def _tell_all(number: int) -> bool:
    """Signal every process below this one. False when there is none."""
    me, parents = os.getpid(), {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:
                parents[int(name)] = int(stat.read().rpartition(b")")[2].split()[1])
        except OSError:
            continue
    below = {me}
    while more := {p for p, parent in parents.items() if parent in below} - below:
        below |= more
    for pid in below - {me}:
        try:
            os.kill(pid, number)
        except OSError:
            continue
    return len(below) > 1


if __name__ == "__main__":
    main()
