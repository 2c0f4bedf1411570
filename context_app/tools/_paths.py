"""The one place where a path that a model gave becomes a file of the workspace.

    text ─▶ parts (no "..", not absolute) ─▶ real parts (inside) ─▶ descriptor

The last arrow opens one directory after the other, each relative to the one before and
none through a symbolic link (openat(2) with O_NOFOLLOW). So what was checked is what is
opened, even when somebody exchanges a directory for a link in between. Links that stay
inside may be read through; nothing is ever written through a link.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from context_app.tools.base import ToolContext, ToolError

MAX_PATH = 1000  # characters
MAX_FILE = 10 * 1024 * 1024  # bytes of a file that is read or written
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY

# Names (in lower case) that hold secrets: to read them is worth a question.
_SECRET = (
    ".env*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.kdbx", "id_rsa*", "id_dsa*",
    "id_ecdsa*", "id_ed25519*", ".netrc", ".pgpass", ".git-credentials", ".npmrc",
    ".pypirc", ".htpasswd", ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker",
)  # fmt: skip
# Names that make somebody else's program run something, or that guard it.
_POWERFUL = (
    ".git", ".hg", ".svn", ".github", ".gitlab-ci.y*ml", ".circleci", ".travis.y*ml",
    "jenkinsfile*", "azure-pipelines.y*ml", ".drone.y*ml", ".woodpecker*", ".buildkite",
    "bitbucket-pipelines.y*ml", ".pre-commit-config.y*ml", ".husky", ".gitmodules",
    ".gitattributes", ".gitconfig", ".bashrc", ".bash_profile", ".bash_login",
    ".bash_logout", ".bash_aliases", ".profile", ".zshrc", ".zshenv", ".zprofile",
    ".zlogin", ".kshrc", ".cshrc", ".tcshrc", ".login", ".inputrc", ".vimrc", ".exrc",
    ".envrc", ".direnv", ".vscode", ".idea", ".config", ".local", ".pythonrc*", "*.pth",
    "sitecustomize.py", "usercustomize.py", "authorized_keys", "crontab", "*.service",
)  # fmt: skip


class Missing(ToolError):
    """There is no such file; the message says so."""


def root_of(context: ToolContext) -> str:
    """The real path of the workspace. Raises ToolError when there is none."""
    if context.workspace is None:
        raise ToolError("There is no workspace here: the operator gave none.")
    root = os.path.realpath(context.workspace)
    if not os.path.isdir(root):
        raise ToolError("The workspace directory is not there. Tell the operator.")
    return root


def parts_of(text: object) -> tuple[str, ...]:
    """A relative path taken apart; () is the workspace itself. Raises ToolError."""
    if not isinstance(text, str) or len(text) > MAX_PATH:
        raise ToolError(f"A path is a text of at most {MAX_PATH} characters.")
    if _CONTROL.search(text):
        raise ToolError("The path has a control character in it.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ToolError("The path is not valid Unicode.") from None
    if text.startswith(("/", "~")):
        raise ToolError("Give the path relative to the workspace, as in src/main.py.")
    parts = tuple(part for part in text.split("/") if part not in ("", "."))
    if ".." in parts:
        raise ToolError("“..” is not allowed in a path.")
    if any(len(part.encode()) > 255 for part in parts):
        raise ToolError("A name in the path is too long.")
    return parts


def spelled(text: object) -> str:
    """The path as it is shown and compared with rules: one spelling for each, or what
    was given when it is no path at all."""
    try:
        return "/".join(parts_of(text)) or "."
    except ToolError:
        return shown(str(text))[:MAX_PATH]


def shown(name: str) -> str:
    """A name for one line of text: nothing in it can break the line or be invalid."""
    valid = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return _CONTROL.sub(lambda m: f"\\x{ord(m[0]):02x}", valid)


def is_secret(text: object) -> bool:
    """Whether a path names something that usually holds secrets."""
    return _has_name(text, _SECRET)


def is_powerful(text: object) -> bool:
    """Whether writing there would do more than change a text: secrets, version control,
    CI, what shells and editors run by themselves."""
    return _has_name(text, _POWERFUL) or is_secret(text)


def real_parts(root: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    """Where links inside the workspace lead. Raises ToolError when that is outside."""
    with explained("/".join(parts)):
        real = os.path.realpath(os.path.join(root, *parts))
    if os.path.commonpath([root, real]) != root:
        raise ToolError(
            f"{shown('/'.join(parts))} leads out of the workspace, which is not allowed."
        )
    relative = os.path.relpath(real, root)
    return () if relative == "." else tuple(relative.split("/"))


@contextlib.contextmanager
def directory(
    root: str, parts: tuple[str, ...], *, create: bool = False
) -> Iterator[int]:
    """A descriptor of a directory, reached without following any link."""
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for at, part in enumerate(parts):
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=here)
            below = os.open(part, DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
            _still_inside(root, here, parts[: at + 1])
        yield here
    finally:
        os.close(here)


@dataclass(frozen=True, slots=True)
class Content:
    """A file as it was read. `data` is its first `MAX_FILE` bytes at most."""

    name: str
    data: bytes
    size: int
    mode: int

    @property
    def is_binary(self) -> bool:
        """No text: a NUL byte near its beginning (the rule of git and grep)."""
        return b"\0" in self.data[:8192]

    @property
    def text(self) -> str:
        """Its text: UTF-8, anything else as U+FFFD."""
        return self.data.decode("utf-8", "replace")


def read(root: str, text: object, *, follow: bool = True) -> Content:
    """A regular file, whole. Raises ToolError (missing, outside, too long, no file)."""
    parts = parts_of(text)
    name = "/".join(parts)
    if follow:
        real = real_parts(root, parts)
        if is_secret("/".join(real)) and not is_secret(name):
            # What decides about a call sees the name that was asked for, only.
            raise ToolError(f"{shown(name)} is a link. Ask for its target by name.")
        parts = real
    if not parts:
        raise ToolError("This is a directory, not a file.")
    with explained(name), directory(root, parts[:-1]) as parent:
        return read_at(parent, parts[-1], name)


def read_at(parent: int, leaf: str, name: str) -> Content:
    """The same for a name in an open directory; never through a link."""
    file = os.open(leaf, _FILE, dir_fd=parent)
    try:
        facts = os.fstat(file)
        if not stat.S_ISREG(facts.st_mode):
            raise ToolError(f"{shown(name)} is not a regular file.")
        if facts.st_size > MAX_FILE:
            raise ToolError(
                f"{shown(name)} has {facts.st_size:,} bytes; {MAX_FILE:,} is the limit."
            )
        with os.fdopen(os.dup(file), "rb") as reader:
            data = reader.read(MAX_FILE + 1)[:MAX_FILE]
        return Content(name, data, len(data), stat.S_IMODE(facts.st_mode))
    finally:
        os.close(file)


def may_write(root: str, parts: tuple[str, ...]) -> None:
    """Raises ToolError when `write` would refuse: a link on the way, no regular file."""
    at = root
    for depth, part in enumerate(parts):
        at = os.path.join(at, part)
        try:
            mode = os.lstat(at).st_mode
        except FileNotFoundError:
            return
        except OSError:
            raise ToolError(f"{shown('/'.join(parts))} cannot be reached.") from None
        good = stat.S_ISREG if depth == len(parts) - 1 else stat.S_ISDIR
        if not good(mode):
            what = "a link" if stat.S_ISLNK(mode) else "something else than expected"
            raise ToolError(
                f"{shown('/'.join(parts[: depth + 1]))} is {what}: refused."
            )


def write(
    root: str, parts: tuple[str, ...], data: bytes, *, mode: int | None = None
) -> None:
    """Put a file in its place in one step (a temporary one beside it, then rename).

    Parents are made. `mode` None keeps what it was. Raises ToolError.
    """
    if not parts:
        raise ToolError("Name a file inside the workspace.")
    if len(data) > MAX_FILE:
        raise ToolError(f"{len(data):,} bytes are too many; {MAX_FILE:,} is the limit.")
    may_write(root, parts)
    name = "/".join(parts)
    with explained(name), directory(root, parts[:-1], create=True) as parent:
        kept = _mode_of(parent, parts[-1], name)
        temporary = f".{secrets.token_hex(8)}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(temporary, flags, 0o600, dir_fd=parent)
        try:
            with os.fdopen(file, "wb") as writer:
                writer.write(data)
                writer.flush()
                os.fchmod(writer.fileno(), (kept if mode is None else mode) & 0o777)
                os.fsync(writer.fileno())
            os.rename(temporary, parts[-1], src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=parent)
            raise


def remove(root: str, parts: tuple[str, ...]) -> None:
    """Remove a regular file. Raises ToolError."""
    may_write(root, parts)
    with explained("/".join(parts)), directory(root, parts[:-1]) as parent:
        os.unlink(parts[-1], dir_fd=parent)


@contextlib.contextmanager
def explained(name: str) -> Iterator[None]:
    """What the system says, as a sentence for the model; no path of ours in it."""
    try:
        yield
    except FileNotFoundError:
        raise Missing(f"There is no {shown(name) or '.'} in the workspace.") from None
    except IsADirectoryError:
        raise ToolError(f"{shown(name)} is a directory.") from None
    except NotADirectoryError:
        raise ToolError(f"{shown(name)} is not reached by directories only.") from None
    except PermissionError:
        raise ToolError(f"{shown(name)}: permission denied.") from None
    except OSError as exc:
        why = os.strerror(exc.errno) if exc.errno else "it failed"
        raise ToolError(f"{shown(name)}: {why}.") from None


def _mode_of(parent: int, leaf: str, name: str) -> int:
    try:
        facts = os.stat(leaf, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return 0o644
    if not stat.S_ISREG(facts.st_mode):
        raise ToolError(f"{shown(name)} is not a regular file.")
    return stat.S_IMODE(facts.st_mode)


def _still_inside(root: str, descriptor: int, parts: tuple[str, ...]) -> None:
    """Where the kernel says we are (Linux): a directory moved away is noticed."""
    link = f"/proc/self/fd/{descriptor}"
    with contextlib.suppress(OSError):
        if os.path.commonpath([root, os.readlink(link)]) != root:
            raise ToolError(f"{shown('/'.join(parts))} leads out of the workspace.")


def _has_name(text: object, patterns: tuple[str, ...]) -> bool:
    names = str(text).lower().replace("\\", "/").split("/")
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
