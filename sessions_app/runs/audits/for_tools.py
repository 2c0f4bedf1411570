"""Code audits for the call of a tool: with the credential of the answer that asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from context_app.services import audits as kept
from context_app.tools.base import AuditedSource, Place, ToolContext, ToolError
from providers.audit import AuditReport
from providers.errors import ProviderError
from sessions_app.errors import ServiceError
from sessions_app.models import Run
from sessions_app.runs.audits import auditing
from sessions_app.runs.turns import in_database

_WATCH_S = 0.2
MARGIN_S = 2.0  # of the deadline: to keep the report and tell it


class RunAudits:
    """Audits on behalf of one run's person."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __call__(
        self,
        source: AuditedSource,
        name: str,
        floor: str,
        context: ToolContext,
        place: Place | None = None,
    ) -> AuditReport:
        run = self._run
        if run.started_by is None:
            raise ToolError("The person who asked is gone.")
        try:
            with _until(context) as stop:
                row = auditing.run(
                    user=run.started_by,
                    source=source,
                    name=name,
                    stop=stop,
                    credential_id=run.credential_id,
                    model=run.model if run.credential_id else "",
                    conversation_id=run.conversation_id,
                    options={"severity_floor": floor},
                    place=place,
                )
            return in_database(kept.report_of, row)
        except (ServiceError, ProviderError) as exc:  # a limit is one of the latter
            raise ToolError(exc.message) from None


@contextmanager
def _until(context: ToolContext) -> Iterator[threading.Event]:
    """An event that is set when the call is stopped, or shortly before its deadline."""
    stop, is_over = threading.Event(), threading.Event()
    end = time.monotonic() + max(context.deadline_s - MARGIN_S, 1.0)

    def watch() -> None:
        while not is_over.wait(_WATCH_S):
            if context.stop.is_set() or time.monotonic() > end:
                stop.set()

    watcher: Any = threading.Thread(target=watch, name="audit-until", daemon=True)
    watcher.start()
    try:
        yield stop
    finally:
        is_over.set()
        watcher.join()
