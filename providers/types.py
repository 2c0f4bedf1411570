"""The values that cross the universal interface: messages, tools, requests, models.

All are plain data (msgspec structs), so that a stored message is the same object as the
one a dialect encodes. Shapes follow what all four dialects can express; what only one
can express travels as opaque `state` on a part, and back to the provider it came from.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

AuthType: TypeAlias = Literal["api_key", "oauth"]
Role: TypeAlias = Literal["user", "assistant", "tool"]


class _Part(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True
):
    """Base of message parts; `type` on the wire is the tag below."""


class TextPart(_Part, tag="text", frozen=True):
    """Visible text. `state`: opaque vendor state that belongs to this very part."""

    text: str
    citations: list[dict[str, Any]] = []
    state: dict[str, Any] | None = None


class ReasoningPart(_Part, tag="reasoning", frozen=True):
    """Reasoning as far as the vendor shows it; `text` may be empty beside a `state`."""

    text: str = ""
    state: dict[str, Any] | None = None


class RefusalPart(_Part, tag="refusal", frozen=True):
    """The model's words of refusal."""

    text: str


class ImagePart(_Part, tag="image", frozen=True):
    """An image: base64 `data` with its media type, or a `url` the vendor fetches."""

    media_type: str = ""
    data: str = ""
    url: str = ""


class FilePart(_Part, tag="file", frozen=True):
    """A document: base64 `data` with media type and name."""

    media_type: str
    data: str
    name: str = "file"


class ToolCallPart(_Part, tag="tool_call", frozen=True):
    """A tool the model asked for. `arguments_raw`: not a JSON object, see events.py."""

    call_id: str
    name: str
    arguments: dict[str, Any]
    arguments_raw: str | None = None
    state: dict[str, Any] | None = None


class ToolResultPart(_Part, tag="tool_result", frozen=True):
    """What a tool gave back; goes to the vendor in the place its dialect wants."""

    call_id: str
    name: str
    text: str
    is_error: bool = False


class ServerToolPart(_Part, tag="server_tool", frozen=True):
    """A tool the vendor ran; `state` is what must be echoed for the next turn."""

    call_id: str
    name: str
    status: str
    detail: dict[str, Any] = {}
    state: dict[str, Any] | None = None


class SteerPart(_Part, tag="steer", frozen=True):
    """A person's words in the middle of an answer: assembly makes a user message of it,
    so that no dialect meets one."""

    text: str


Part: TypeAlias = (
    TextPart
    | ReasoningPart
    | RefusalPart
    | ImagePart
    | FilePart
    | ToolCallPart
    | ToolResultPart
    | ServerToolPart
    | SteerPart
)


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who wrote an assistant message. Opaque state goes back to this origin only."""

    provider: str
    model: str
    session_id: str = ""


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message of the history. `origin` is set on assistant messages."""

    role: Role
    parts: list[Part]
    origin: Origin | None = None


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool the model may ask for; `parameters` is a JSON Schema object."""

    name: str
    description: str
    parameters: dict[str, Any]
    strict: bool = False


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """How much the model may think, and whether we want to see (a summary of) it.

    `effort` None leaves the vendor's default; dialects map the words to their own scale.
    """

    effort: Literal["none", "minimal", "low", "medium", "high", "max"] | None = None
    visible: bool = True


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One model response to ask for, the same for every provider.

    Sampling parameters are left out unless somebody sets them: current models of two
    vendors refuse them. `tool_choice`: auto, none, required, or a tool's name.
    `response_schema`: JSON Schema the answer must follow. `conversation_key`: a stable
    id that vendors may use to find their cache. Times in seconds.
    """

    model: str
    messages: list[Message]
    system: str = ""
    tools: list[Tool] = []
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True
    reasoning: Reasoning = Reasoning()
    max_output_tokens: int | None = None
    temperature: float | None = None
    stop_sequences: list[str] = []
    response_schema: dict[str, Any] | None = None
    conversation_key: str = ""
    idle_timeout_s: float = 300.0
    # Filled by the interface: who this request goes to, to decide on opaque state.
    origin: Origin | None = None


def state_for(
    part_state: dict[str, Any] | None, message: Message, request: ChatRequest
) -> dict[str, Any] | None:
    """The opaque state of a part, if it may go back: same provider, model and account."""
    if part_state and message.origin is not None and message.origin == request.origin:
        return part_state
    return None


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """USD per million tokens. `above_tokens`: input size from which `tier` applies."""

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    above_tokens: int | None = None
    tier: Price | None = None


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model as a vendor (or our dated catalogue) describes it; sizes in tokens."""

    id: str
    label: str = ""
    context_window: int | None = None
    max_output_tokens: int | None = None
    abilities: frozenset[str] = frozenset()  # tools, images, files, reasoning, schema
    reasons: bool | None = None  # an effort of reasoning is for it; None: nobody says
    price: Price | None = None
    price_date: str = ""  # ISO date of the catalogue entry the price comes from
    deprecated: bool = False


class Secret:
    """A secret that shows itself only when asked: not in repr, str, format or pickle."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The plain value; call it where it goes on the wire, nowhere else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __reduce__(self) -> Any:
        raise TypeError("a Secret does not travel: send the credential's id instead")


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor package needs to sign a request. Made by the store, at use.

    `secrets`: `api_key`, or `access_token`, `refresh_token`, `id_token`. `base_url` is set
    when the credential carries its own address (compatible servers, the demo); it is
    then also the only origin the secret may be sent to. `metadata` is not secret
    (account, plan, mode, organization, project). `expires_at`: aware UTC, ISO 8601.
    `generation`: how often its secrets have been replaced; a refresh adds one.
    `problem`: why it cannot be used as it is, in words; empty when it can.
    """

    provider: str
    auth_type: AuthType
    name: str
    secrets: dict[str, Secret]
    base_url: str = ""
    metadata: dict[str, str] = {}
    expires_at: str | None = None
    generation: int = 0
    problem: str = ""

    def secret(self, key: str) -> str:
        """The plain value of one secret, or an empty string."""
        value = self.secrets.get(key)
        return value.reveal() if value else ""

    def origin_url(self, default: str) -> str:
        """Its own base URL, else the vendor's, without a slash at the end."""
        return (self.base_url or default).rstrip("/")
