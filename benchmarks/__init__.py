"""Figures, not verdicts: ratios measured side by side in one run.

    .venv/bin/python -m benchmarks [decode] [start] [relay] [soak] [credentials] [--quick] [--out DIR]

Each module measures one thing against its anchor and returns rows; the report is
written to `build/benchmarks/` as JSON and Markdown. Timings are never pass/fail tests.
"""
