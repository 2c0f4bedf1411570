"""What the two OpenAI dialects share: lenient JSON, tool arguments, errors, media.

Used by `openai_responses` and `openai_chat` only.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from providers.error_bodies import error_from_stream
from providers.events import ErrorInfo, StreamError
from providers.types import FilePart, ImagePart

_decode = msgspec.json.Decoder().decode


def loads(data: str | bytes | msgspec.Raw) -> Any:
    """JSON as vendors write it. Raises ValueError for what is not JSON at all.

    msgspec is strict: half a surrogate pair, NaN and raw control characters are errors.
    Compatible servers send all three, so its refusal is not the last word.
    """
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    try:
        text = data if isinstance(data, str) else bytes(data).decode(errors="replace")
        return _encodable(json.loads(text, strict=False))
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc


def _encodable(value: Any) -> Any:
    """The value with what UTF-8 cannot carry (half a surrogate pair) replaced."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return value


def obj(value: Any) -> dict[str, Any]:
    """A JSON object out of anything: what is none becomes an empty one."""
    if isinstance(value, msgspec.Raw):
        try:
            value = loads(value) if bytes(value) else None
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def array(value: Any) -> list[Any]:
    """A JSON array out of anything: what is none becomes an empty one."""
    if isinstance(value, msgspec.Raw):
        try:
            value = loads(value) if bytes(value) else None
        except ValueError:
            return []
    return value if isinstance(value, list) else []


def string(value: Any) -> str:
    """A string out of anything: what is none becomes an empty one."""
    return value if isinstance(value, str) else ""


def count(value: Any) -> int | None:
    """A number of tokens, None where the vendor does not say."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if abs(value) < 1e15 else None  # neither infinite nor NaN


def parse_arguments(text: str) -> tuple[dict[str, Any], str | None]:
    """(arguments, None), or ({}, the text) when it is not a JSON object.

    No text at all is a call without arguments.
    """
    if not text.strip():
        return {}, None
    try:
        value = loads(text)
    except ValueError:
        return {}, text
    return (value, None) if isinstance(value, dict) else ({}, text)


def write_arguments(arguments: dict[str, Any], raw: str | None) -> str:
    """Arguments as the JSON text in which OpenAI wants them back."""
    return raw if raw is not None else msgspec.json.encode(arguments).decode()


def vendor_error(
    provider: str, error: Any, stop_reason_raw: str | None = None
) -> StreamError:
    """The vendor's error object, wherever in the stream it stood, as the last event."""
    if not error and stop_reason_raw:
        return gave_up(provider, stop_reason_raw)
    body = error if isinstance(error, dict) else {"message": string(error)}
    return StreamError(
        error=error_from_stream(provider, body), stop_reason_raw=stop_reason_raw
    )


def gave_up(provider: str, stop_reason_raw: str) -> StreamError:
    """The last event where the vendor says only that it failed, and not why."""
    return StreamError(
        error=ErrorInfo(
            kind="ProviderUnavailable",
            provider=provider,
            vendor_type=stop_reason_raw,
            message=(
                "The provider ended the answer with an error and gave no reason. "
                "What arrived is kept; try again."
            ),
        ),
        stop_reason_raw=stop_reason_raw,
    )


def malformed(provider: str) -> StreamError:
    """The last event of a stream that holds something other than JSON objects."""
    return StreamError(
        error=ErrorInfo(
            kind="ProtocolError",
            provider=provider,
            vendor_type="malformed_event",
            message=(
                "The provider sent an event that is not valid JSON. "
                "What arrived before it is kept; try again."
            ),
        )
    )


def image_url(part: ImagePart) -> str:
    """The address of an image: its own, or one that holds the data."""
    return part.url or f"data:{part.media_type or 'image/png'};base64,{part.data}"


def file_url(part: FilePart) -> str:
    """A file's data as an address."""
    return f"data:{part.media_type};base64,{part.data}"
