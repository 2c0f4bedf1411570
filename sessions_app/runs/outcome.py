"""How a run ended, and what it brought."""

from __future__ import annotations

import msgspec

from providers.events import ErrorInfo
from sessions_app.models import Run
from sessions_app.runs.log.response import RunResponse

Status = Run.Status


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """`cause` is fit for a person; `error` is set when the run failed."""

    status: str
    response: RunResponse
    cause: str = ""
    error: ErrorInfo | None = None


def failed(response: RunResponse, error: ErrorInfo) -> Outcome:
    """It broke; what had come is kept."""
    return Outcome(
        status=Status.FAILED, response=response, error=error, cause=error.message[:200]
    )
