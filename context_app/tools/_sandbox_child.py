"""The process above a command: limits it, locks it in, and leaves none of it behind.

Started as a script of its own (never imported) by `_sandbox.py`, with a JSON object on
its input: {"command", "workspace", "sandbox", "limits", "env", "tmp_bytes", "parent",
"report"}. What it has to say itself goes to the descriptor `report`: "running" or why not;
output of the command goes to 1 and 2.

    supervisor ─(sandboxed: unshare)─▶ first process of its own pid namespace ─▶ /bin/sh
        └─(else: a subreaper)────────────────────────────────────────────────▶ /bin/sh

The sandbox: namespaces for users, mounts, pids, network, IPC and host name; a root of its
own in memory with the system's programs read-only and the workspace writable; no
capabilities and no way to get any. Sources: unshare(2), mount_setattr(2), prctl(2),
pivot_root(2), user_namespaces(7); what is mounted follows bubblewrap
(https://github.com/containers/bubblewrap).
"""

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import struct
import sys
import time
from typing import Any

_GRACE_S = 2.0
_CLONE = {"NS": 0x20000, "UTS": 0x4000000, "IPC": 0x8000000, "USER": 0x10000000,
          "PID": 0x20000000, "NET": 0x40000000}  # fmt: skip
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
_MNT_DETACH, _MOUNT_ATTR_RDONLY = 2, 1
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_SUBREAPER, _PR_NO_NEW_PRIVS = 1, 24, 36, 38
_SYS_MOUNT_SETATTR = 442  # the same number on every architecture
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203}
_AT_RECURSIVE, _AT_FDCWD = 0x8000, -100
_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/nix",
)
# Of /etc only what programs need: the rest may hold what the operator keeps there.
_ETC = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime",
        "passwd", "group", "nsswitch.conf", "ssl", "ca-certificates", "mime.types",
        "hosts", "services", "protocols", "terminfo", "debian_version", "os-release",
        "java-17-openjdk", "java-21-openjdk")  # fmt: skip
_DEVICES = ("null", "zero", "full", "random", "urandom")

_libc = ctypes.CDLL(None, use_errno=True)
_report_to = -1
_terminate_at = 0.0  # monotonic time after which the rest is killed; 0: nobody asked


def main() -> None:
    """Run one command; exits as it did, or with 128 + its signal."""
    global _report_to
    job = json.loads(sys.stdin.buffer.read())
    _report_to = job["report"]
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _on_signal)
    try:
        first = _locked_in(job) if job["sandbox"] else _plain(job)
    except OSError as exc:
        _report(f"{exc.strerror} ({exc.filename})")
        os._exit(1)
    if os.getppid() != job["parent"]:  # it ended before we asked to be told
        _on_signal(signal.SIGTERM, None)
    os._exit(_watched(first))


def _plain(job: dict[str, Any]) -> int:
    _prctl(_PR_SET_SUBREAPER, 1)  # what detaches itself becomes our child again
    child = os.fork()
    if child == 0:
        _exec(job)
    return child


def _locked_in(job: dict[str, Any]) -> int:
    """Make the namespaces and fork into them; the child finishes the work."""
    uid, gid = os.getuid(), os.getgid()
    flags = 0
    for name, flag in _CLONE.items():
        flags |= flag if name != "NS" else 0
    _check(_libc.unshare(flags), "unshare")
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # new credentials have forgotten it
    _put("/proc/self/setgroups", "deny")
    _put("/proc/self/uid_map", f"{uid} {uid} 1")
    _put("/proc/self/gid_map", f"{gid} {gid} 1")
    with contextlib.suppress(OSError):  # no namespaces inside this one: less to attack
        _put("/proc/sys/user/max_user_namespaces", "0")
    child = os.fork()
    if child == 0:
        try:
            # Mounts last, and here: this process above needs the /proc it has.
            _check(_libc.unshare(_CLONE["NS"]), "unshare")
            _loopback_up()
            _new_root(job["workspace"], job["tmp_bytes"])
            _without_privileges()
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        except OSError as exc:
            _report(f"{exc.strerror} ({exc.filename})")
            os._exit(1)
        _first_process(job)
    return child


def _first_process(job: dict[str, Any]) -> None:
    """What a pid namespace needs: it reaps, and its end is the end of all."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    child = os.fork()
    if child == 0:
        _exec(job)
    os.close(_report_to)
    while True:
        pid, status = os.wait()
        if pid == child:
            os._exit(_code(status))


def _exec(job: dict[str, Any]) -> None:
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(job["workspace"])
        for name, value in job["limits"].items():
            what = getattr(resource, name)
            most = resource.getrlimit(what)[1]
            limit = value if most == resource.RLIM_INFINITY else min(value, most)
            resource.setrlimit(what, (limit, limit))
        _prctl(_PR_NO_NEW_PRIVS, 1)
        os.umask(0o022)
        _report("running")
        os.close(_report_to)
        argv = ["/bin/sh", "-c", job["command"]]
        os.execve(argv[0], argv, job["env"])  # noqa: S606 -- what this is all about
    except OSError as exc:
        os.write(2, f"cannot start: {exc.strerror}\n".encode())
    os._exit(126)


def _watched(first: int) -> int:
    """Wait for the end of `first`, then see to it that nothing else is left."""
    code = None
    while code is None:
        if _terminate_at and time.monotonic() > _terminate_at:
            _kill_all(signal.SIGKILL)
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 1
        if pid == first:
            code = _code(status)
        elif pid == 0:
            time.sleep(0.01)
    while _kill_all(signal.SIGKILL):
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            break
    return code


def _on_signal(number: int, frame: object) -> None:
    """Asked to end: everybody is told, and has two seconds."""
    global _terminate_at
    if not _terminate_at:
        _terminate_at = time.monotonic() + _GRACE_S
    _kill_all(signal.SIGTERM)


def _kill_all(number: int) -> bool:
    """Signal every process below this one. False when there is none."""
    me = os.getpid()
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stat:
                    fields = stat.read().rpartition(b")")[2].split()
            except OSError:
                continue
            parents[int(name)] = int(fields[1])
    below = {me}
    while more := {p for p, parent in parents.items() if parent in below} - below:
        below |= more
    for pid in below - {me}:
        try:
            os.kill(pid, number)
        except OSError:
            continue
    return len(below) > 1


def _new_root(workspace: str, tmp_bytes: int) -> None:
    """Swap the root for one in memory with little in it; see the top of this file."""
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE)
    held = os.open(workspace, os.O_PATH | os.O_DIRECTORY)
    new = "/tmp"  # noqa: S108 -- only a place to mount on; it goes with the old root
    _mount("tmpfs", new, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755,size=1m")
    for path in _SYSTEM:
        if os.path.islink(path):
            os.symlink(os.readlink(path), new + path)
        elif os.path.isdir(path):
            _bind(path, new + path)
    for path in (*(f"/etc/{n}" for n in _ETC), *(f"/dev/{n}" for n in _DEVICES)):
        if os.path.exists(path):
            _bind(path, new + path)
    os.mkdir(f"{new}/proc")
    # A container may hide parts of its /proc and refuse; most programs do without.
    with contextlib.suppress(OSError):
        _mount("proc", f"{new}/proc", "proc", _MS_NOSUID | _MS_NODEV)
    writable = [f"{new}/tmp", f"{new}/dev/shm"]  # noqa: S108
    for path in writable:
        os.mkdir(path)
        size = f"mode=1777,size={tmp_bytes}"
        _mount("tmpfs", path, "tmpfs", _MS_NOSUID | _MS_NODEV, size)
    _bind(f"/proc/self/fd/{held}", new + workspace)
    _set_read_only(new, _AT_RECURSIVE, is_read_only=True)
    for path in (*writable, new + workspace):
        _set_read_only(path, 0, is_read_only=False)
    os.close(held)
    os.chdir(new)
    number = _SYS_PIVOT_ROOT.get(os.uname().machine, 155)
    _check(_libc.syscall(number, b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", _MNT_DETACH), "umount2")
    os.chdir("/")


def _bind(source: str, target: str) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    _mount(source, target, None, _MS_BIND | _MS_REC)


def _set_read_only(path: str, flags: int, *, is_read_only: bool) -> None:
    bits = (_MOUNT_ATTR_RDONLY, 0) if is_read_only else (0, _MOUNT_ATTR_RDONLY)
    attributes = struct.pack("=QQQQ", *bits, 0, 0)  # set, clear, propagation, userns
    done = _libc.syscall(
        _SYS_MOUNT_SETATTR, _AT_FDCWD, path.encode(), flags, attributes, len(attributes)
    )
    _check(done, "mount_setattr")


def _mount(
    source: str | None, target: str, kind: str | None, flags: int, data: str = ""
) -> None:
    words = [one.encode() if one else None for one in (source, target, kind, data)]
    done = _libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3])
    _check(done, f"mount {target}")


def _loopback_up() -> None:
    """Without network, but programs may talk to themselves over 127.0.0.1."""
    with contextlib.suppress(OSError), socket.socket() as sock:
        up = struct.pack("16sh14x", b"lo", 0x1)  # struct ifreq with IFF_UP
        fcntl.ioctl(sock, 0x8914, up)  # SIOCSIFFLAGS


def _without_privileges() -> None:
    """Nothing that runs here can undo what was set up, not even as uid 0."""
    for capability in range(64):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # EINVAL: no such one
    header = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, us
    _check(_libc.capset(header, bytes(24)), "capset")


def _prctl(option: int, value: int) -> None:
    _check(_libc.prctl(option, value, 0, 0, 0), f"prctl {option}")


def _check(result: int, what: str) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)


def _put(path: str, text: str) -> None:
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _report(text: str) -> None:
    os.write(_report_to, text.encode())


if __name__ == "__main__":
    main()
