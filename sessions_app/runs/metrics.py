"""Counters of runs for `/metrics`. Labels come from closed sets; no user, no text."""

from __future__ import annotations

from sessions_app.counters import counter, histogram
from sessions_app.models import Run

_runs = counter("maestro_runs_total", "Runs that ended.", ["provider", "status"])
_tokens = counter("maestro_tokens_total", "Tokens of ended runs.", ["provider", "kind"])
_deltas = counter(
    "maestro_deltas_total", "Events of answers, as vendors sent them.", ["provider"]
)
_attempts = counter(
    "maestro_attempts_failed_total",
    "Requests to vendors that failed, by class and what was done.",
    ["provider", "retry_class", "action"],
)
_attempts_ended = counter(
    "maestro_attempts_total",
    "Requests to vendors, by how they ended.",
    ["provider", "result"],
)
_first_event = histogram(
    "maestro_first_token_seconds",
    "From the start of a run to its first event.",
    ["provider"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32),
)


def run_ended(run: Run) -> None:
    """Count a run that is over."""
    _runs.labels(run.provider, run.status).inc()
    if run.started_at and run.first_event_at:
        waited = run.first_event_at - run.started_at
        _first_event.labels(run.provider).observe(waited.total_seconds())
    for kind in ("input_tokens", "output_tokens"):
        count = (run.usage or {}).get(kind)
        if count:
            _tokens.labels(run.provider, kind.removesuffix("_tokens")).inc(count)


def streamed(provider: str, count: int) -> None:
    """Count the events of an answer."""
    _deltas.labels(provider).inc(count)


def attempt_failed(provider: str, retry_class: str, action: str) -> None:
    """Count a request that failed."""
    _attempts.labels(provider, retry_class, action).inc()
    attempt_ended(provider, "failed")


def attempt_ended(provider: str, result: str) -> None:
    """Count a request: answered, stopped or failed."""
    _attempts_ended.labels(provider, result).inc()
