"""Figures, not verdicts: ratios measured side by side in one run.

    .venv/bin/python -m benchmarks [NAME …] [--quick] [--out DIR]      (no name: all of them)

Each module measures one thing against its anchor and returns rows; the report is
written to `build/benchmarks/` as JSON, Markdown and pictures. Timings are never pass/fail
tests.
"""
