"""Which addresses are on the public internet, and finding those of a name. S-40 to S-42.

`public_addresses` is asked by `fetch.py` before every connection. Sources: the IANA
registries of special-purpose addresses (https://www.iana.org/assignments/
iana-ipv4-special-registry, …/iana-ipv6-special-registry), RFC 6890. The tables stand here
because `ipaddress.is_global` means something else with every Python, and calls multicast
and relays global.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
MAX_ADDRESSES = 32
_TICK_S = 0.1

_SPECIAL_4 = [
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24",
        "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
        "240.0.0.0/4",
        # Public by its number, and Azure's own service beside every machine there.
        "168.63.129.16/32",
    )
]  # fmt: skip
_UNICAST_6 = ipaddress.IPv6Network("2000::/3")  # all that is assigned as global
_SPECIAL_6 = [
    ipaddress.IPv6Network(block)
    for block in (
        # Protocol assignments, Teredo and ORCHID; documentation; 6to4 (which leads to
        # any IPv4 address and is obsolete, RFC 7526); documentation again (RFC 9637).
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48",
    )
]  # fmt: skip
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: IPv4 in the last 32 bits


class NotPublic(Exception):
    """The name or address is not on the public internet, or not to be found."""


@dataclass(frozen=True, slots=True)
class Network:
    """How names become addresses, and where an address is reached.

    `resolve(host, port)` gives addresses as text. `reach(address, port)` says where to
    connect for an address that was found to be public: there, unless a test has a server
    of its own stand for it.
    """

    resolve: Callable[[str, int], Sequence[str]]
    reach: Callable[[str, int], tuple[str, int]]


def public_addresses(
    host: str, port: int, *, network: Network, until: float, stop: threading.Event
) -> list[str]:
    """The addresses of `host`, every one of them public. `until`: monotonic time.

    One that is not makes all of them unusable: a name that answers with a public and a
    private address is an attempt at something. Raises NotPublic.
    """
    literal = host.removeprefix("[").removesuffix("]")
    texts: Sequence[str]
    try:
        ipaddress.ip_address(literal)
        texts = [literal]
    except ValueError:
        texts = _resolved(host, port, network, until, stop)
    if not texts or len(texts) > MAX_ADDRESSES:
        raise NotPublic(f"The name {host} cannot be found.")
    found = [_read(text) for text in dict.fromkeys(texts)]
    if not all(one is not None and is_public(one) for one in found):
        raise NotPublic(
            f"{host} is not on the public internet. Only public pages can be fetched."
        )
    return [str(one) for one in found]


def is_public(address: Address) -> bool:
    """Whether the address can only be somebody else's, out on the internet."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return is_public(inner)
        return (
            address.scope_id is None
            and address in _UNICAST_6
            and not any(address in block for block in _SPECIAL_6)
            and not _is_ours(address)
        )
    return (
        not any(address in block for block in _SPECIAL_4)
        and address.is_global
        and not _is_ours(address)
    )


def system_resolve(host: str, port: int) -> list[str]:
    """What this machine's resolver says. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


NETWORK = Network(resolve=system_resolve, reach=lambda address, port: (address, port))


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that is really meant, where a machine would go there."""
    if address.scope_id is not None:
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _is_ours(address: Address) -> bool:
    """Whether it is one of this very machine: it would talk to us from the inside.

    Connecting a datagram socket sends nothing; the system only chooses an own address,
    and chooses the same one when it is our own.
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return ipaddress.ip_address(probe.getsockname()[0]) == address
    except OSError:  # no way there, or no such family: it is nobody's here
        return False


def _read(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _resolved(
    host: str, port: int, network: Network, until: float, stop: threading.Event
) -> Sequence[str]:
    """The system's resolver cannot be interrupted, so a thread of its own waits for it."""
    answers: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(network.resolve(host, port))
        except (OSError, UnicodeError):
            answers.put([])

    threading.Thread(target=ask, name="fetch-resolve", daemon=True).start()
    while not stop.is_set() and (left_s := until - time.monotonic()) > 0:
        try:
            return answers.get(timeout=min(left_s, _TICK_S))
        except queue.Empty:
            continue
    raise NotPublic(f"The name {host} was not found in time.")
