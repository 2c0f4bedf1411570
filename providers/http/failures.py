"""Foreign exceptions become ours, here and nowhere else.

Called by `exchange.py`. The texts of `requests` and `urllib3` hold whole URLs, header
values and addresses; none of it is kept. Raise what this returns *outside* the `except`
block, so that the foreign exception does not hang on as `__context__`.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import requests
from urllib3 import exceptions as u

from providers.errors import ConfigurationError, ProviderError, ProviderUnavailable

FOREIGN = (requests.RequestException, u.HTTPError, OSError, ValueError)

_r = requests.exceptions
# (any of these in the chain, our class, our word for it, our sentence); first one wins
_TABLE: tuple[
    tuple[tuple[type[BaseException], ...], type[ProviderError], str, str], ...
] = (
    (
        (ssl.SSLCertVerificationError,),
        ConfigurationError,
        "tls_untrusted",
        "The certificate of {host} is not trusted. If an authority of your own signed "
        "it, name its file in MAESTRO_CA_BUNDLE.",
    ),
    (
        (_r.InvalidHeader, UnicodeError),
        ConfigurationError,
        "bad_request",
        "The request cannot be written: a header or an address has a character that is "
        "not allowed there.",
    ),
    (
        (_r.InvalidURL, _r.InvalidSchema, _r.MissingSchema, u.LocationValueError),
        ConfigurationError,
        "bad_address",
        "The address of the provider is not valid. Check the base URL.",
    ),
    (
        (u.ProxyError, _r.ProxyError),
        ProviderUnavailable,
        "proxy",
        "The configured proxy did not let us through. Check MAESTRO_HTTP_PROXY.",
    ),
    (
        (socket.gaierror, u.NameResolutionError),
        ProviderUnavailable,
        "dns",
        "The name {host} cannot be found. Check the base URL and the network.",
    ),
    (
        (u.ConnectTimeoutError, _r.ConnectTimeout),
        ProviderUnavailable,
        "connect_timeout",
        "{host} does not answer. Check the base URL and the network.",
    ),
    (
        (u.ReadTimeoutError, _r.ReadTimeout, TimeoutError),
        ProviderUnavailable,
        "read_timeout",
        "{host} took the request and did not answer in time. Try again.",
    ),
    (
        (ConnectionRefusedError,),
        ProviderUnavailable,
        "connect_refused",
        "Nothing answers at {host}. Check that the server runs, and the base URL.",
    ),
    (
        (ssl.SSLError, u.SSLError),
        ProviderUnavailable,
        "tls",
        "No secure connection to {host}. Check that it is really https there.",
    ),
    (
        (u.NewConnectionError,),
        ProviderUnavailable,
        "connect",
        "No connection to {host}. Check the base URL and the network.",
    ),
)


def from_exception(exc: BaseException, provider: str, host: str) -> ProviderError:
    """Our error for a request to `host` that got no answer."""
    causes = list(_causes(exc))
    for kinds, ours, word, sentence in _TABLE:
        # NewConnectionError is a ConnectTimeoutError to urllib3, but not to a person.
        if any(isinstance(c, kinds) and not _is_other(c, word) for c in causes):
            return ours(sentence.format(host=host), provider=provider, vendor_type=word)
    return ProviderUnavailable(
        f"The connection to {host} broke before an answer came. Try again.",
        provider=provider,
        vendor_type="connection_broken",
    )


def _is_other(cause: BaseException, word: str) -> bool:
    return word == "connect_timeout" and isinstance(cause, u.NewConnectionError)


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """An exception and everything it wraps, by any of the ways libraries wrap."""
    todo: list[object] = [exc]
    seen: set[int] = set()
    while todo:
        one = todo.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        todo += [
            one.__cause__,
            one.__context__,
            getattr(one, "reason", None),
            *one.args,
        ]
