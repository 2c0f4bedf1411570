"""Benchmarks are run seldom: that they can be is seen here."""

import importlib

import pytest

from benchmarks.__main__ import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_can_be_begun(name):
    assert callable(importlib.import_module(f"benchmarks.{name}").measure)
