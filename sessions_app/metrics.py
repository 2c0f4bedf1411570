"""Credentials and their refreshes for `/metrics`. Labels come from closed sets."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import DatabaseError
from django.db.models import Count
from prometheus_client import REGISTRY, Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from sessions_app.models.authentication import SavedAuthentication

_refreshes = Counter(
    "maestro_refreshes_total", "Renewed logins, by result.", ["provider", "result"]
)


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
        except DatabaseError:
            return  # a database that is away is told by /readyz
        yield family

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(
            "maestro_credentials",
            "Saved credentials by how they are.",
            labels=["provider", "auth_type", "condition"],
        )


def register() -> None:
    """Once, when Django is ready."""
    REGISTRY.register(_Credentials())
