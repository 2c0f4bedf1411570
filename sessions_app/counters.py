"""What this process has counted, as plain data, and the sum over all processes.

Prometheus asks one web process, behind whatever balances between them, and must not get
another's numbers each time: so counters are stored (`presence.py`) and added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import Metric

# Counters and histograms only: a gauge of one process has no sum.
COUNTED = CollectorRegistry()

# [name of the sample, {label: value}, value]
Samples: TypeAlias = list[list[Any]]


def counter(name: str, meaning: str, labels: Sequence[str]) -> Counter:
    """A counter that adds up over all processes."""
    return Counter(name, meaning, labels, registry=COUNTED)


def histogram(
    name: str, meaning: str, labels: Sequence[str], buckets: Sequence[float]
) -> Histogram:
    """The same for a histogram."""
    return Histogram(name, meaning, labels, registry=COUNTED, buckets=buckets)


def samples() -> Samples:
    """What this process has counted since it began."""
    return [
        [sample.name, sample.labels, sample.value]
        for family in COUNTED.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    ]


def added(parts: Iterable[Samples], *, minus: Samples = ()) -> Samples:  # type: ignore[assignment]
    """The sum of several processes' samples, less what was accounted for elsewhere."""
    total: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for sign, part in [*((1, part) for part in parts), (-1, minus)]:
        for name, labels, value in part:
            key = (name, tuple(sorted(labels.items())))
            total[key] = total.get(key, 0.0) + sign * value
    return [[name, dict(labels), value] for (name, labels), value in total.items()]


class Sum:
    """A collector for one answer of `/metrics`: the families of COUNTED, other values."""

    def __init__(self, total: Samples) -> None:
        self._total = total

    def collect(self) -> Iterable[Metric]:
        """Families in their order; samples that no family here knows are dropped."""
        by_name: dict[str, list[tuple[dict[str, str], float]]] = {}
        for name, labels, value in self._total:
            by_name.setdefault(name, []).append((labels, value))
        for family in COUNTED.collect():
            found = Metric(family.name, family.documentation, family.type)
            for suffix in ("_total", "_bucket", "_count", "_sum"):
                for labels, value in by_name.get(family.name + suffix, ()):
                    found.add_sample(family.name + suffix, labels, value)
            yield found
