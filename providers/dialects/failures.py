"""The last event of a stream that failed: the vendor's own error, or one without words.

Used by the decoders of every dialect.
"""

from __future__ import annotations

from typing import Any

from providers.dialects.lenient_json import string
from providers.error_bodies import error_from_stream
from providers.events import ErrorInfo, StreamError


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
