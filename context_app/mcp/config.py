"""The operator's file of MCP servers, read once and distrusted in one respect only: who
could have written it.

    {"mcpServers": {
        "tickets": {"url": "https://mcp.example.org/mcp",
                    "headers": {"Authorization": "Bearer ${TICKETS_TOKEN}"}},
        "files":   {"command": "/usr/bin/files-mcp", "args": ["/srv/docs"]}}}

It decides which programs are started (S-43), so a file that others may write is not used.
Secrets stay out of it: `${NAME}` in a header or in `env` is the variable of that name, or
the content of the file named by `NAME_FILE`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from providers.errors import ProviderError
from providers.http.urls import after_origin, is_loopback, parse_base_url

MAX_FILE_BYTES = 1024 * 1024
MAX_SERVERS = 50
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]{0,23}")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]*")
_OUR_HEADERS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept",
     "accept-encoding", "mcp-session-id", "mcp-protocol-version", "last-event-id"}
)  # fmt: skip
_SECRET_NAME = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)
_HTTP_TYPES = ("http", "streamable-http", "streamable_http")
_COMMON = {"type", "tools", "trust_annotations", "timeout_s", "disabled"}
_HTTP_KEYS = _COMMON | {"url", "headers"}
_STDIO_KEYS = _COMMON | {"command", "args", "env", "cwd"}


class _Wrong(Exception):
    """An entry that cannot be used; the message says why and holds no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """One server: `url` and `headers`, or `command`, `env` and `cwd`.

    `tools`: patterns of the server's own names for those that are offered.
    `trusts_annotations`: the operator believes what the server says of its tools' risks.
    `secrets`: values that must not be repeated. `timeout_s` None: the installation's.
    """

    name: str
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str = ""
    tools: tuple[str, ...] = ("*",)
    trusts_annotations: bool = False
    timeout_s: float | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def place(self) -> str:
        """Where it is, for people: no arguments, no query."""
        if self.url:
            return self.url.partition("?")[0]
        return self.command[0]


@dataclass(slots=True)
class Loaded:
    """What a file says. `problems`: what cannot be used; `warnings`: what should change."""

    servers: list[ServerConfig] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def load(
    path: str | Path, environ: Mapping[str, str], *, workspace: str | Path = ""
) -> Loaded:
    """Read the file. Never raises: what is wrong with it stands in the result.

    `workspace`: the directory that tools may write, where the file must not be.
    """
    found = Loaded()
    try:
        entries = _entries(Path(path), workspace)
    except _Wrong as exc:
        found.problems.append(str(exc))
        return found
    for name, entry in entries.items():
        try:
            _add(found, name, entry, environ)
        except _Wrong as exc:
            found.problems.append(f"Server {name[:40]!r}: {exc}")
    return found


def _entries(path: Path, workspace: str | Path) -> dict[str, Any]:
    try:
        real = path.resolve(strict=True)
        _check_writers(real, workspace)
        with real.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as exc:
        raise _Wrong(f"It cannot be read ({exc.strerror}).") from None
    if len(data) > MAX_FILE_BYTES:
        raise _Wrong("It is longer than a megabyte.")
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise _Wrong("It is no valid JSON.") from None
    servers = document.get("mcpServers") if isinstance(document, dict) else None
    if not isinstance(servers, dict) or set(document) != {"mcpServers"}:
        raise _Wrong('It must be an object with one key, "mcpServers".')
    if len(servers) > MAX_SERVERS:
        raise _Wrong(f"It names more than {MAX_SERVERS} servers.")
    return servers


def _check_writers(real: Path, workspace: str | Path) -> None:
    """Nobody but its owner and root may write the file, or put another in its place."""
    if workspace and real.is_relative_to(Path(workspace).resolve()):
        raise _Wrong("It lies in the workspace, where models may write.")
    for place in (real, real.parent):
        facts = place.stat()
        is_sticky = place != real and facts.st_mode & stat.S_ISVTX
        if facts.st_mode & 0o022 and not is_sticky:
            raise _Wrong("Others may write it or its directory (chmod go-w).")
        if facts.st_uid not in (0, os.geteuid()):
            raise _Wrong("It or its directory belongs to another user.")


def _add(found: Loaded, name: str, entry: Any, environ: Mapping[str, str]) -> None:
    if not _NAME.fullmatch(name):
        raise _Wrong("a name is a letter and up to 23 letters, digits or hyphens.")
    if not isinstance(entry, dict):
        raise _Wrong("it must be an object.")
    kind = entry.get("type", "http" if "url" in entry else "stdio")
    if kind == "sse":
        raise _Wrong("the older HTTP+SSE transport is not supported.")
    if kind not in (*_HTTP_TYPES, "stdio"):
        raise _Wrong('type is "http" or "stdio".')
    is_http = kind in _HTTP_TYPES
    unknown = sorted(set(entry) - (_HTTP_KEYS if is_http else _STDIO_KEYS))
    if unknown:
        raise _Wrong(f"it has a key that is not known here: {unknown[0][:40]!r}.")
    if _flag(entry, "disabled"):
        return
    filled = _Filled(environ)
    specific = _http(entry, filled) if is_http else _stdio(entry, filled)
    found.servers.append(
        ServerConfig(
            name=name,
            tools=_tools(entry),
            trusts_annotations=_flag(entry, "trust_annotations"),
            timeout_s=_timeout(entry),
            secrets=tuple(filled.secrets),
            **specific,
        )
    )
    found.warnings += [f"Server {name!r}: {words}" for words in filled.warnings]


class _Filled:
    """Values with their references filled in, and which of them are secret."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.secrets: list[str] = []
        self.warnings: list[str] = []

    def table(self, entry: Mapping[str, Any], key: str) -> dict[str, str]:
        """A table of texts: `headers` or `env`."""
        given = entry.get(key, {})
        if not isinstance(given, dict) or not all(
            isinstance(value, str) for value in given.values()
        ):
            raise _Wrong(f"{key} must be an object of texts.")
        return {name: self._text(name, value, key) for name, value in given.items()}

    def _text(self, name: str, text: str, key: str) -> str:
        filled = _REFERENCE.sub(lambda match: self._value(match[1], key), text)
        if "${" in _REFERENCE.sub("", text):
            raise _Wrong(f"a reference in {key} is not written as ${{NAME}}.")
        if text == filled and _SECRET_NAME.search(name) and text:
            self.warnings.append(
                f"{key} {name!r} looks like a secret and stands in the file. Put it "
                "into a variable and write ${NAME}."
            )
            self.secrets.append(text.rpartition(" ")[2])
        return filled

    def _value(self, name: str, key: str) -> str:
        if name.startswith("MAESTRO_") and not name.startswith("MAESTRO_MCP_"):
            raise _Wrong(f"{key} must not refer to {name}, which is a setting of ours.")
        value = self._environ.get(name)
        if value is None and (place := self._environ.get(f"{name}_FILE")):
            try:
                value = Path(place).read_text().strip()
            except (OSError, UnicodeError):
                raise _Wrong(f"the file of {name}_FILE cannot be read.") from None
        if value is None:
            raise _Wrong(f"{key} refers to {name}, and there is no such variable.")
        self.secrets.append(value)
        return value


def _http(entry: Mapping[str, Any], filled: _Filled) -> dict[str, Any]:
    url = entry.get("url")
    if not isinstance(url, str) or "${" in url:
        raise _Wrong("url must be a text without references.")
    headers = filled.table(entry, "headers")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise _Wrong(
                f"the header {name[:40]!r} has a character that cannot be sent."
            )
        if name.lower() in _OUR_HEADERS:
            raise _Wrong(f"the header {name[:40]!r} is ours to send.")
    clean = _address(url)
    if headers and clean.startswith("http:") and not is_loopback(clean):
        filled.warnings.append("its headers travel unencrypted: the url is plain http.")
    return {"url": clean, "headers": headers}


def _address(url: str) -> str:
    """Our spelling of it; path and query stay as they are. Raises _Wrong."""
    try:
        tail = after_origin(url) if "://" in url else ""
        origin = parse_base_url(url.removesuffix(tail) if tail else url)
    except ProviderError as exc:
        raise _Wrong(exc.message) from None
    if not re.fullmatch(r"[\x21-\x7e]*", tail) or "#" in tail or "\\" in tail:
        raise _Wrong("the path of url has a character that cannot be sent.")
    return origin + tail


def _stdio(entry: Mapping[str, Any], filled: _Filled) -> dict[str, Any]:
    command, args = entry.get("command"), entry.get("args", [])
    if not isinstance(command, str) or not command:
        raise _Wrong("it needs a url, or a command.")
    if not isinstance(args, list) or not all(isinstance(one, str) for one in args):
        raise _Wrong("args must be a list of texts.")
    whole = (command, *args)
    if any("${" in one for one in whole):
        raise _Wrong("others can read arguments: refer to variables in env only.")
    env, cwd = filled.table(entry, "env"), entry.get("cwd", "/")
    if not isinstance(cwd, str) or not cwd.startswith("/"):
        raise _Wrong("cwd must be an absolute path.")
    texts = (*whole, cwd, *env, *env.values())
    if any("\0" in one for one in texts) or any("=" in name for name in env):
        raise _Wrong("it has a character that no program can be given.")
    return {"command": whole, "env": env, "cwd": cwd}


def _tools(entry: Mapping[str, Any]) -> tuple[str, ...]:
    given = entry.get("tools", ["*"])
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise _Wrong("tools must be a list of names or patterns.")
    return tuple(given)


def _flag(entry: Mapping[str, Any], key: str) -> bool:
    value = entry.get(key, False)
    if not isinstance(value, bool):
        raise _Wrong(f"{key} is true or false.")
    return value


def _timeout(entry: Mapping[str, Any]) -> float | None:
    value = entry.get("timeout_s")
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= 3600:
        raise _Wrong("timeout_s is a number of seconds up to 3600.")
    return float(value)
