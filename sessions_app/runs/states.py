"""What our run does at the moment, as a state with a cause: stored, and told to followers.

Called in the run's thread. How a run ends is in `finish.py`.
"""

from __future__ import annotations

from datetime import datetime

from sessions_app.models import Run
from sessions_app.runs import notices
from sessions_app.runs.turns import in_database


def tell(
    run: Run, status: str, cause: str = "", retry_at: datetime | None = None
) -> None:
    """Change it. Somebody else's run stays as it is."""
    in_database(_store, run, status, cause, retry_at)


def _store(run: Run, status: str, cause: str, retry_at: datetime | None) -> None:
    changed = Run.objects.filter(
        pk=run.pk, epoch=run.epoch, status__in=Run.AT_WORK
    ).update(status=status, cause=cause[:200], retry_at=retry_at)
    if changed:
        related = ("conversation", "question", "answer", "credential")
        notices.run_changed(Run.objects.select_related(*related).get(pk=run.pk))
