"""Addresses: read once, rebuilt from their parts, compared by origin.

`parse_base_url` is the gate for every address a person types. Private and loopback
addresses are welcome: a model server in the next room is the point (Ollama, vLLM).
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, quote, urlsplit

from providers.errors import ConfigurationError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_PATH_SAFE = "/-._~!$&'()*+,;=:@%"


def parse_base_url(text: str) -> str:
    """The address as it is kept: no slash at the end, host in lower case and ASCII.

    Raises ConfigurationError that says what to change.
    """
    url = text.strip()
    if not url:
        raise ConfigurationError("Give an address, such as https://api.example.com/v1.")
    if any(ord(c) <= 32 or ord(c) == 127 or c == "\\" or c.isspace() for c in url):
        raise ConfigurationError(
            "The address has a space, a line break or a backslash in it. Copy it again."
        )
    parts = _split(url)
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise ConfigurationError(
            "Leave user names and passwords out of the address; a key has its own field."
        )
    if "?" in url or "#" in url:
        raise ConfigurationError(
            "The address must end with its path: leave out “?” and “#” and what follows."
        )
    path = quote(parts.path, safe=_PATH_SAFE).rstrip("/")
    if any(step in (".", "..") for step in path.split("/")):
        raise ConfigurationError("The path of the address must not contain “..”.")
    return _origin(parts) + path


def origin(url: str) -> str:
    """Scheme, host and port of an absolute URL, in one canonical spelling.

    Raises ConfigurationError when it has none.
    """
    return _origin(_split(url))


def host(url: str) -> str:
    """Host and port of an absolute URL, for logs and messages."""
    return origin(url).partition("://")[2]


def after_origin(url: str) -> str:
    """What follows the origin of an absolute URL: path, query, fragment; maybe nothing."""
    start = url.index("://") + 3
    return url[next((i for i in range(start, len(url)) if url[i] in "/?#"), len(url)) :]


def is_loopback(url: str) -> bool:
    """Whether the address names this very machine."""
    name = urlsplit(url).hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigurationError(
            "The host or the port of the address cannot be read. "
            "It looks like https://api.example.com/v1."
        ) from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise ConfigurationError("The address must begin with http:// or https://.")
    if not parts.hostname:
        raise ConfigurationError(
            "The address has no host. It looks like https://api.example.com/v1."
        )
    return parts


def _origin(parts: SplitResult) -> str:
    name = _host(parts.hostname or "")
    port = parts.port
    if port == 0:
        raise ConfigurationError("The port must be between 1 and 65535.")
    if port is None or port == _DEFAULT_PORTS[parts.scheme]:
        return f"{parts.scheme}://{name}"
    return f"{parts.scheme}://{name}:{port}"


def _host(name: str) -> str:
    """A host as it goes on the wire: ASCII, lower case, IPv6 in brackets."""
    if ":" in name:
        try:
            return f"[{ipaddress.IPv6Address(name).compressed}]"
        except ValueError:
            raise ConfigurationError("The IPv6 address cannot be read.") from None
    try:
        plain = name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        plain = ""
    labels = plain.removesuffix(".").split(".")
    if len(plain) > 253 or not all(_HOST_LABEL.match(label) for label in labels):
        raise ConfigurationError("The host name of the address is not a valid name.")
    return plain
