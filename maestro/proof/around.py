"""What is around the proof: a real vendor with a person, or the emulator with a stand-in.

The pipeline is one and the same; only who signs in, where a key comes from and who breaks
a connection differ.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal, Protocol

from maestro.proof.report import Against
from maestro.proof.verdicts import Broken
from providers import http, options, resolver
from providers import provider as interface
from providers.conformance.lab import base_url_at
from providers.errors import ConfigurationError, ProviderError
from providers.http import stand_in
from providers.http.client import HttpClient, client_for
from providers.http.urls import is_loopback, origin, parse_base_url
from providers.options import VendorOptions
from providers.types import Secret
from sessions_app.installation import host_id
from sessions_app.management import login_command
from sessions_app.models import PendingLogin
from sessions_app.services.logins import logging_in

Say = Callable[[str], None]
SESSION = ""  # a command's logins belong to no browser session
KEY = "e2e-key-of-the-emulator"  # opens nothing
Failure = Literal["cut", "refused"]
_FAULTS: dict[Failure, dict[str, Any]] = {
    "cut": {"kind": "cut"},
    "refused": {"kind": "status", "status": 503},
}
_POLL_S = 0.1
_WAITING = (PendingLogin.Status.WAITING, PendingLogin.Status.WORKING)


class Around(Protocol):
    """See the module's docstring."""

    against: Against
    fails_on_demand: bool  # whether the other side can break an answer for us
    patience_s: float  # the first wait before a request is repeated
    stops_within_s: float

    def sign_in(self, user: Any, row: PendingLogin, shown: dict[str, Any]) -> Any:
        """The login once it is over, however long that takes."""
        ...

    def key_for(self, provider: str) -> Mapping[str, str]:
        """`api_key`, and what belongs to it."""
        ...

    def fail_next(self, how: Failure) -> None:
        """The next answer breaks off after a few words, or is refused for a moment."""
        ...


class RealVendor:
    """A person at this terminal, and keys that were read before anything began."""

    against: Against = "vendor"
    fails_on_demand = False
    patience_s = 1.0
    stops_within_s = 1.0

    def __init__(self, keys: Mapping[str, Mapping[str, str]], say: Say) -> None:
        self._keys = keys
        self._say = say

    def sign_in(self, user: Any, row: PendingLogin, shown: dict[str, Any]) -> Any:
        """Say where to go, and wait without a limit. Raises CommandError, Broken."""
        self._say(login_command.instructions(shown))
        try:
            return login_command.until_done(user, row, shown)
        except EOFError:
            raise Broken("the answer must be pasted, and nobody types here") from None

    def key_for(self, provider: str) -> Mapping[str, str]:
        """What the options of the command named."""
        return self._keys[provider]

    def fail_next(self, how: Failure) -> None:
        """Nobody can ask that of a vendor."""


class Emulated:
    """The emulator at an address of this machine, in place of every vendor it plays."""

    against: Against = "emulator"
    fails_on_demand = True
    patience_s = 0.2
    stops_within_s = 5.0  # this one machine plays both sides

    def __init__(self, url: str, say: Say) -> None:
        self._url = url.rstrip("/")
        self._say = say
        check_is_here(self._url)
        self._client: HttpClient = client_for(provider="emulator", base_url=self._url)
        paths = self._client.get_json("_emulator/origins")
        self._origins = {vendor: self._url + path for vendor, path in paths.items()}

    @contextmanager
    def in_place_of_vendors(self) -> Iterator[None]:
        """For as long as the block lasts, every vendor's origin leads to the emulator."""
        before = http.settings()
        http.configure(replace(before, reroute=self._origins))
        known = options.configured()
        options.configure({**known, **_missing_clients()}, installation=host_id)
        self._post("oauth", {"auto_approve": False, "device_interval_s": 1})
        try:
            yield
        finally:
            http.configure(before)
            options.configure(known, installation=host_id)
            self._client.close()

    def sign_in(self, user: Any, row: PendingLogin, shown: dict[str, Any]) -> Any:
        """As a person does it, with a stand-in for the browser. Raises ProviderError."""
        listens = shown["is_listening"]
        stops_at = "" if listens else shown["redirect_uri"]
        self._say(f"the stand-in opens {shown['authorize_url'].partition('?')[0]}")
        try:
            pasted = stand_in.visit(
                shown["authorize_url"], stops_at=stops_at, user_code=shown["user_code"]
            )
        except ProviderError:
            over = self._poll(user, row)
            if over.status in _WAITING:
                raise
            return over
        if pasted:
            return logging_in.answer(
                user=user, session_key=SESSION, login_id=row.pk, text=pasted
            )
        while (found := self._poll(user, row)).status in _WAITING:
            time.sleep(_POLL_S)
        return found

    def key_for(self, provider: str) -> Mapping[str, str]:
        """A key that opens nothing, with an address where the vendor's is not played."""
        manifest = resolver.provider(provider)
        is_played = manifest.base_url and origin(manifest.base_url) in self._origins
        base_url = "" if is_played else base_url_at(manifest, self._url)
        return {"api_key": KEY, "base_url": base_url}

    def fail_next(self, how: Failure) -> None:
        """By a fault of the emulator's."""
        self._post("faults", _FAULTS[how])

    def _poll(self, user: Any, row: PendingLogin) -> PendingLogin:
        return logging_in.poll(user=user, session_key=SESSION, login_id=row.pk)

    def _post(self, path: str, data: dict[str, Any]) -> None:
        self._client.post_json(f"_emulator/{path}", data)


def check_is_here(url: str) -> None:
    """Raises ConfigurationError for another machine's address: nothing is sent there."""
    if not is_loopback(parse_base_url(url)):
        raise ConfigurationError("The emulator must run on this machine.")


def _missing_clients() -> dict[str, VendorOptions]:
    """A client for vendors whose login waits for one of the operator's own."""
    client = VendorOptions(
        client_id="e2e.apps.emulated",
        client_secret=Secret("e2e-client-of-the-emulator"),
        project="e2e",
    )
    slugs = interface.list_providers()
    methods = {slug: interface.login_methods(slug) for slug in slugs}
    return {slug: client for slug, ways in methods.items() if ways and ways[0].refusal}
