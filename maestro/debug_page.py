"""The error page of DEBUG without values: a login's tokens are in every frame's locals.

What it shows of a failure is what the log shows: its traceback, and no secret. Values of
variables, of the query and of the request's body stay out; names help, and are kept.
"""

from __future__ import annotations

from typing import Any

from django.views.debug import ExceptionReporter

HIDDEN = "…"


class Reporter(ExceptionReporter):
    """Django's reporter, for `DEFAULT_EXCEPTION_REPORTER`."""

    def get_traceback_data(self) -> dict[str, Any]:
        data: dict[str, Any] = super().get_traceback_data()
        for frame in data.get("frames", ()):
            frame["vars"] = [(name, HIDDEN) for name, _ in frame.get("vars") or ()]
        for kind in ("request_GET_items", "filtered_POST_items"):
            data[kind] = [(name, HIDDEN) for name, _ in data.get(kind) or ()]
        data["request_meta"] = {
            name: HIDDEN if name in ("QUERY_STRING", "HTTP_REFERER") else value
            for name, value in (data.get("request_meta") or {}).items()
        }
        if self.request is not None:
            data["request_insecure_uri"] = self.request.path
        return data
