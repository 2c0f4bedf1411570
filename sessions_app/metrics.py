"""What `/metrics` tells beside the counters of runs. Labels come from closed sets.

Gauges are counted in the database when somebody asks: every process gives the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import Error
from django.db.models import Count
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from sessions_app.counters import counter
from sessions_app.models import Run, SavedAuthentication, ServerProcess

_refreshes = counter(
    "maestro_refreshes_total", "Renewed logins, by result.", ["provider", "result"]
)
_requests = counter(
    "maestro_usage_requests_total",
    "Requests to vendors that were counted: answers, summaries and audits.",
    ["provider"],
)
_used = counter("maestro_usage_tokens_total", "Their tokens.", ["provider", "kind"])
_cost = counter(
    "maestro_usage_cost_usd_total",
    "Their cost, by the catalogue's prices.",
    ["provider"],
)
_limits = counter(
    "maestro_limits_reached_total",
    "Calls and runs that a limit refused.",
    ["scope", "metric"],
)


def used(provider: str, input_tokens: int, output_tokens: int, nanos: int) -> None:
    """Count a request that a vendor answered; money in nano-dollars."""
    _requests.labels(provider).inc()
    _used.labels(provider, "input").inc(input_tokens)
    _used.labels(provider, "output").inc(output_tokens)
    _cost.labels(provider).inc(nanos / 1e9)


def limit_reached(scope: str, metric: str) -> None:
    """Count what a limit refused."""
    _limits.labels(scope, metric).inc()


def refreshed(provider: str, result: str) -> None:
    """Count one attempt: `ok`, or the kind of its error."""
    _refreshes.labels(provider, result).inc()


class _Credentials(Collector):
    """How many credentials are how; counted when somebody asks."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield self._family()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = self._family()
        rows = (
            SavedAuthentication.objects.with_condition()
            .order_by()
            .values_list("provider", "auth_type", "condition")  # type: ignore[misc]
            .annotate(count=Count("pk"))
        )
        try:
            for provider, auth_type, condition, count in rows:
                family.add_metric([provider, auth_type, condition], count)
        except Error:
            return  # a database that is away is told by /readyz
        yield family

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(
            "maestro_credentials",
            "Saved credentials by how they are.",
            labels=["provider", "auth_type", "condition"],
        )


class _Work(Collector):
    """Runs that are not over, by status, and the processes that live, by role."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield from self._families()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        runs, processes = self._families()
        active = Run.objects.active().order_by().values_list("status")
        living = ServerProcess.objects.living().order_by().values_list("role")
        try:
            by_status = dict(active.annotate(count=Count("pk")))
            by_role = dict(living.annotate(count=Count("pk")))
        except Error:
            return
        for status in Run.ACTIVE:
            runs.add_metric([status], by_status.get(status, 0))
        for role in (ServerProcess.Role.WEB, ServerProcess.Role.WORKER):
            processes.add_metric([role], by_role.get(role, 0))
        yield from (runs, processes)

    def _families(self) -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
        return (
            GaugeMetricFamily(
                "maestro_runs_active", "Runs that are not over.", labels=["status"]
            ),
            GaugeMetricFamily(
                "maestro_processes", "Processes that live, by role.", labels=["role"]
            ),
        )


def register() -> None:
    """Once, when Django is ready."""
    REGISTRY.register(_Credentials())
    REGISTRY.register(_Work())
