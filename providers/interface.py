"""The behaviours a vendor offers, and the manifest that says which of them it has.

A provider is a package with a module-level `provider = Provider(…)`: a folder inside
`providers/`, or another distribution with an entry point in the group
`maestro.providers`. `resolver.py` finds it and checks what it offers against these
protocols, so a missing method is found when the program starts, not in a chat.

Vendor packages are pure at this seam: they say *what* to ask (`StreamCall`, `ApiCall`);
the generic code in `provider.py` and `chat_stream.py` does the asking through
`providers.http`. Only behaviours that are a conversation (OAuth) get a client.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from providers.events import Event
from providers.types import AuthType, ChatRequest, Credential, Model

if TYPE_CHECKING:
    from providers.http.client import HttpClient
    from providers.http.sse import SSEEvent

BehaviourName = Literal["api_key", "oauth", "streaming", "models"]


class Decoder(Protocol):
    """One dialect's stream → events. One instance per response, its whole life.

    Does no I/O, reads no clock, never raises on what a vendor sends: an error inside the
    stream is a `StreamError` event. Nothing comes after a terminal event.
    """

    def feed(self, sse: SSEEvent) -> Iterable[Event]:
        """The events one SSE event means (often none, sometimes several)."""
        ...

    def finish(self) -> Iterable[Event]:
        """The body ended. A `StreamError` of kind `StreamCut` unless the end was seen."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamCall:
    """One streaming request, ready to send. `url` is absolute; `decoder` is fresh.

    `headers` may hold the secret: it is never logged and its repr is hidden.
    `optional_fields`: body fields a compatible server may refuse with 400; the call is
    repeated once without them, and the refusal remembered for that origin.
    """

    url: str
    body: Mapping[str, Any]
    decoder: Decoder
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)
    optional_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall:
    """One plain JSON request. `path` is relative to the credential's base URL."""

    path: str
    method: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


@runtime_checkable
class Streaming(Protocol):
    """Turns a request into the one HTTP call that answers it."""

    def call(self, request: ChatRequest, credential: Credential) -> StreamCall:
        """Pure: no I/O. Raises UnsupportedFeature, ConfigurationError."""
        ...


@runtime_checkable
class ApiKey(Protocol):
    """Signing with a static key."""

    key_url: str  # where a person makes one; "" when there is no such page

    def headers(self, credential: Credential) -> dict[str, str]:
        """The headers that authenticate, beside those of the manifest."""
        ...

    def check(self, client: HttpClient) -> None:
        """One cheap call with the client's credential. Raises ProviderError."""
        ...


@runtime_checkable
class OAuth(Protocol):
    """Login by authorization code (RFC 6749 section 4.1 with PKCE, RFC 7636).

    `begin` makes the authorize URL and what must be kept until the answer comes;
    `finish` trades the answer for a credential; `refresh` gives a new one: the old
    refresh token may be dead from then on, so store before use.
    """

    def headers(self, credential: Credential) -> dict[str, str]: ...

    def begin(self, *, name: str, redirect_uri: str | None) -> Any: ...

    def finish(self, login: Any, callback_or_code: str) -> Credential: ...

    def refresh(self, credential: Credential) -> Credential: ...


@runtime_checkable
class Models(Protocol):
    """What a credential may use."""

    def list_models(self, client: HttpClient) -> Sequence[Model]:
        """All pages, best first; sizes in tokens; not cached. Raises ProviderError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """The manifest of one vendor: facts as data, behaviours as objects.

    `base_url` is the vendor's own; `base_url_required` asks the person for one (a server
    of their own), `base_url_editable` lets them change it. `usual_url` is where a local
    server normally listens: the page offers it by name when it answers, and never uses
    it unasked. `key_required` False: a server that takes any key. `notes` is a plain
    word shown beside the form. `dialect` names the module in `providers/dialects/`.
    """

    slug: str
    label: str
    dialect: str
    base_url: str
    streaming: Streaming
    models: Models
    api_key: ApiKey | None = None
    oauth: OAuth | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    base_url_required: bool = False
    base_url_editable: bool = True
    key_required: bool = True
    key_hint: str = ""
    usual_url: str = ""
    default_model: str = ""
    notes: str = ""
    env_names: Mapping[str, str] = field(default_factory=dict)

    def behaviour(self, name: BehaviourName) -> Any | None:
        """The object behind a behaviour's name, None where the vendor lacks it."""
        return getattr(self, name)

    @property
    def auth_types(self) -> tuple[AuthType, ...]:
        """The ways to sign in that this vendor offers."""
        ways: list[AuthType] = []
        if self.api_key is not None:
            ways.append("api_key")
        if self.oauth is not None:
            ways.append("oauth")
        return tuple(ways)
