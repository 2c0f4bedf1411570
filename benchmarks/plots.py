"""Pictures of a report: how cost grows, and what a delta costs here and at others."""

from __future__ import annotations

from pathlib import Path


def draw(tables: dict[str, list[dict]], out: Path) -> list[str]:
    """Write the pictures for which there are rows; their file names."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    drawn = []
    for name, paint in (("growth", _growth), ("relay", _relay)):
        if rows := tables.get(name):
            figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
            paint(axes, rows)
            figure.savefig(out / f"{name}.svg")
            pyplot.close(figure)
            drawn.append(f"{name}.svg")
    return drawn


def _growth(axes, rows: list[dict]) -> None:
    """Each axis relative to its own first point; linear growth is the grey line."""
    widest = 1.0
    for axis in dict.fromkeys(row["axis"] for row in rows):
        points = [row for row in rows if row["axis"] == axis]
        first = points[0]
        sizes = [row["size"] / first["size"] for row in points]
        costs = [row["cost"] / max(first["cost"], 1e-9) for row in points]
        axes.plot(sizes, costs, marker="o", label=f"{axis} ({first['exponent']:+.2f})")
        widest = max(widest, *sizes)
    axes.plot([1, widest], [1, widest], color="grey", linestyle=":", label="linear")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="size, relative to the smallest",
        ylabel="cost, relative to the smallest",
        title="How cost grows (exponent in brackets)",
    )
    axes.legend()


def _relay(axes, rows: list[dict]) -> None:
    """CPU per million deltas by level, the pass-through beside Maestro."""
    levels = list(dict.fromkeys((row["streams"], row["asked/s"]) for row in rows))
    names = list(dict.fromkeys(row["relay"] for row in rows))
    width = 0.8 / len(names)
    for number, name in enumerate(names):
        costs = [row["CPU s/1M"] for row in rows if row["relay"] == name]
        places = [at + number * width for at in range(len(levels))]
        axes.bar(places, costs, width, label=name)
    axes.set_xticks(
        [at + width * (len(names) - 1) / 2 for at in range(len(levels))],
        [f"{streams} × {asked // streams}/s" for streams, asked in levels],
    )
    axes.set(ylabel="CPU s per million deltas", title="What a relayed delta costs")
    axes.legend()
