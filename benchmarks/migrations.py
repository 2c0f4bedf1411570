"""The step that encrypts and names: 100,000 rows of the previous table, forward and back.

On SQLite, and on PostgreSQL where one answers. The anchor is the same step on a tenth of
the rows, times ten. The bound of each way is 30 seconds.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path


def measure(*, quick: bool = False) -> list[dict]:
    """Rows of {database, rows, forward s, back s, ratio}."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from benchmarks.inside import databases

    count = 10_000 if quick else 100_000
    rows = []
    for kind in databases():
        found = [_both_ways(kind, size) for size in (count // 10, count)]
        anchor = 10 * sum(found[0])
        for size, (forward_s, back_s) in zip((count // 10, count), found, strict=True):
            linear = anchor * size / count
            rows.append(
                {
                    "database": kind,
                    "rows": size,
                    "forward s": round(forward_s, 2),
                    "back s": round(back_s, 2),
                    "ratio": round((forward_s + back_s) / linear, 2),
                }
            )
    return rows


def _both_ways(kind: str, count: int) -> tuple[float, float]:
    from tests.sessions_app.credentials.databases import empty_database, migrate
    from tests.sessions_app.credentials.old_table import NEW, OLD, fill, old_row

    with (
        tempfile.TemporaryDirectory(prefix="maestro-benchmark-") as folder,
        empty_database(kind, Path(folder)) as database,
    ):
        fill(
            database,
            lambda table: [
                old_row(table, f"provider-{i}", credentials={"api_key": f"sk-{i}"})
                for i in range(count)
            ],
        )
        started = time.monotonic()
        migrate(database, NEW)
        between = time.monotonic()
        migrate(database, OLD)
        return between - started, time.monotonic() - between
