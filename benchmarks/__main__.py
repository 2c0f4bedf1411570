"""Runs the chosen benchmarks and writes the report."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import plots

NAMES = (
    "decode",
    "start",
    "relay",
    "peers",
    "soak",
    "credentials",
    "history",
    "first_paint",
    "context",
    "growth",
    "migrations",
    "migration_locks",
    "sign_in",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="default: all")
    parser.add_argument(
        "--quick", action="store_true", help="smaller numbers, rougher figures"
    )
    parser.add_argument("--out", default="build/benchmarks")
    options = parser.parse_args()
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    report = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        "tables": {},
    }
    for name in options.names or NAMES:
        print(f"benchmarks: {name} …", file=sys.stderr, flush=True)
        module = importlib.import_module(f"benchmarks.{name}")
        report["tables"][name] = module.measure(quick=options.quick)
        (out / "report.json").write_text(json.dumps(report, indent=2))
    pictures = plots.draw(report["tables"], out)
    text = _markdown(report, pictures)
    (out / "report.md").write_text(text)
    print(text)
    return 0


def _markdown(report: dict, pictures: list[str]) -> str:
    lines = [f"# Benchmarks, {report['at']}", "", f"{report['machine']}", ""]
    for name, rows in report["tables"].items():
        columns = list(dict.fromkeys(key for row in rows for key in row))
        lines += [f"## {name}", "", "| " + " | ".join(columns) + " |"]
        lines.append("|" + "---|" * len(columns))
        lines += [
            "| " + " | ".join(_cell(row.get(column, "")) for column in columns) + " |"
            for row in rows
        ]
        lines.append("")
    lines += [f"![{name}]({name})" for name in pictures]
    return "\n".join(lines)


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
