"""JSON-RPC 2.0 as MCP uses it: what we say, and what a server may have said. Pure.

Source: https://modelcontextprotocol.io/specification/2025-11-25/basic. We declare no
capability, so the only request of a server that has an answer is `ping`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from providers import VERSION

LATEST = "2025-11-25"
# Those that begin with `initialize`; the messages used here are the same in all of them.
SUPPORTED = (LATEST, "2025-06-18", "2025-03-26", "2024-11-05")

INITIALIZE = "initialize"
TOOLS_CHANGED = "notifications/tools/list_changed"
METHOD_NOT_FOUND = -32601
MAX_MESSAGE_BYTES = 4 * 1024 * 1024
MAX_WORDS = 4000  # characters of a server's own sentence, before it is masked and cut


class McpError(Exception):
    """It did not work. The message is fit for people and models, and free of secrets."""


class Refused(McpError):
    """The server answered with a JSON-RPC error; the message holds its words."""


class SessionGone(McpError):
    """The server does not know our session any more; a new one may be begun."""


class Ended(McpError):
    """We ended it ourselves: somebody stopped it, or its time was up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to the request `number`: a result, or the error it raises."""

    number: int
    result: Any = None
    error: McpError | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of the server, and what it gets for it."""

    reply: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """A notification of the server."""

    method: str


def request(number: int, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """A request of ours."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": dict(params)}


def notification(
    method: str, params: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A notification of ours."""
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    return {**message, "params": dict(params)} if params else message


def initialize() -> dict[str, Any]:
    """The parameters of the first request. No capabilities: we offer servers nothing."""
    return {
        "protocolVersion": LATEST,
        "capabilities": {},
        "clientInfo": {"name": "maestro", "version": VERSION},
    }


def cancelled(number: int, reason: str) -> dict[str, Any]:
    """We do not wait for the answer to this request any more."""
    return notification(
        "notifications/cancelled", {"requestId": number, "reason": reason}
    )


def encode(message: Mapping[str, Any]) -> bytes:
    """One line of JSON, without its end. Raises McpError for what JSON cannot say."""
    try:
        return msgspec.json.encode(message)
    except (TypeError, ValueError, RecursionError):
        raise McpError("The arguments cannot be written as JSON.") from None


def decode(data: bytes | str) -> Any:
    """JSON; None for anything else."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def understood(value: Any) -> Answer | Asked | Told | None:
    """What a message is; None for what is no message of JSON-RPC 2.0."""
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        return None
    method, number = value.get("method"), value.get("id")
    if isinstance(method, str):
        if isinstance(number, str | int) and not isinstance(number, bool):
            return Asked(_reply(number, method))
        return None if "id" in value else Told(method)
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    if isinstance(value.get("error"), dict):
        return Answer(number, error=refusal(value["error"]))
    return Answer(number, value["result"]) if "result" in value else None


def refusal(error: Mapping[str, Any]) -> Refused:
    """A JSON-RPC error as ours. Its words are a stranger's: cut, and marked as such."""
    code, words = error.get("code"), error.get("message")
    said = " ".join(str(words).split())[:MAX_WORDS] if isinstance(words, str) else ""
    number = f" ({code})" if isinstance(code, int) else ""
    return Refused(f"The server refused{number}: “{said}”" if said else
                   f"The server refused{number}.")  # fmt: skip


def _reply(number: str | int, method: str) -> dict[str, Any]:
    if method == "ping":
        return {"jsonrpc": "2.0", "id": number, "result": {}}
    error = {"code": METHOD_NOT_FOUND, "message": "This client does not do that."}
    return {"jsonrpc": "2.0", "id": number, "error": error}
