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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from providers.calls import ApiCall, CountCall, Decoder, StreamCall
from providers.oauth.login import Login, LoginMethod, LoginRequest
from providers.types import AuthType, ChatRequest, Credential, Model

if TYPE_CHECKING:
    from providers.http.client import HttpClient
    from providers.offers import Offer

__all__ = [
    "ApiCall",
    "ApiKey",
    "BehaviourName",
    "Continuing",
    "CountCall",
    "Counting",
    "Decoder",
    "Imports",
    "Models",
    "OAuth",
    "Provider",
    "StreamCall",
    "Streaming",
    "Subscribed",
]

BehaviourName = Literal["api_key", "oauth", "streaming", "models", "imports"]


@runtime_checkable
class Streaming(Protocol):
    """Turns a request into the one HTTP call that answers it."""

    def call(self, request: ChatRequest, credential: Credential) -> StreamCall:
        """Pure: no I/O. Raises UnsupportedFeature, ConfigurationError."""
        ...


@runtime_checkable
class Continuing(Protocol):
    """A `Streaming` whose vendor documents how a broken answer is continued."""

    def continued(self, request: ChatRequest, partial: str) -> ChatRequest:
        """The request for the rest of an answer of which `partial` has arrived. Pure."""
        ...


@runtime_checkable
class Counting(Protocol):
    """A `Streaming` whose vendor says how many tokens a request is before it is sent."""

    def count_call(
        self, request: ChatRequest, credential: Credential
    ) -> CountCall | None:
        """The call that counts what `call` would send; None where the vendor promises
        none to this kind of login. Pure. Raises what `call` raises."""
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
    """Login at a vendor, and keeping it alive. Its requests go through
    `providers.http.oauth`; nothing is stored here.

    A credential it makes says in its metadata which login it was (`kind`), and who signed
    in as far as the vendor tells (`email`, `account`, `plan`, `mode`).
    """

    def methods(self) -> Sequence[LoginMethod]:
        """The ways to log in, first the usual one; those refused here say why."""
        ...

    def begin(self, request: LoginRequest) -> Login:
        """Where the person goes, and what to keep until the answer. Raises ProviderError."""
        ...

    def finish(self, login: Login, answer: str) -> Credential:
        """Trade what came back for tokens. Raises ProviderError; nothing is lost."""
        ...

    def poll(self, login: Login) -> Credential | None:
        """Ask about a device login: None while it waits. Raises ProviderError."""
        ...

    def headers(self, credential: Credential) -> dict[str, str]:
        """The headers that authenticate, beside those of the manifest."""
        ...

    def base_url(self, credential: Credential) -> str:
        """Where this kind of login is answered; "" is the manifest's address."""
        ...

    def models(self, credential: Credential) -> Models | None:
        """The model list of this kind of login; None is the manifest's."""
        ...

    def refresh(self, credential: Credential, *, is_refused: bool) -> Credential:
        """New tokens; the old refresh token may be dead from then on: store before use.

        `is_refused`: the vendor refused the credential as it is. Called under a lease.
        """
        ...

    def revoke(self, credential: Credential) -> bool:
        """Take the login back at the vendor. False where it has no way to."""
        ...


@runtime_checkable
class Subscribed(Protocol):
    """An `OAuth` some of whose logins draw on one person's subscription, whose terms do
    not let its limits be dodged with another one."""

    def is_subscription(self, metadata: Mapping[str, Any]) -> bool:
        """Whether the login with this metadata is one. Pure."""
        ...


@runtime_checkable
class Imports(Protocol):
    """Reads the credential files of this vendor's own programs."""

    def offers(self, document: dict[str, Any], file_name: str) -> list[Offer]:
        """What a file offers; [] for a file of somebody else's. Pure."""
        ...


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
    `env_names`: field of a credential → the environment variable in which the vendor's own
    programs keep it. `quota_without_wait`: a 429 that names no wait means a used-up
    budget, not a rate. `captures`: the folder of captured streams that prove a dialect of
    its own (`providers/conformance/captures.py`).
    """

    slug: str
    label: str
    dialect: str
    base_url: str
    streaming: Streaming
    models: Models
    api_key: ApiKey | None = None
    oauth: OAuth | None = None
    imports: Imports | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    base_url_required: bool = False
    base_url_editable: bool = True
    key_required: bool = True
    key_hint: str = ""
    usual_url: str = ""
    default_model: str = ""
    notes: str = ""
    env_names: Mapping[str, str] = field(default_factory=dict)
    quota_without_wait: bool = False
    captures: str = ""

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
