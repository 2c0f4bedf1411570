"""A tool is one file, or an entry point of another distribution; a bad one harms no other."""

from __future__ import annotations

import importlib
import sys

import pytest
from django.core.checks import run_checks

import context_app.tools as package
from context_app.tools import registry

CODE = """
from context_app.tools.base import Tool

tool = Tool(
    name="{name}",
    description="How warm it is.",
    parameters={{"type": "object", "properties": {{}}}},
    run=lambda arguments, context: "19.5 °C",
)
"""


@pytest.fixture(autouse=True)
def found_afresh():
    """Every test discovers for itself and leaves no trace."""
    modules = set(sys.modules)
    registry.forget()
    yield
    for name in set(sys.modules) - modules:
        if name.startswith(("context_app.tools.drop_", "acme_")):
            del sys.modules[name]
            vars(package).pop(name.rpartition(".")[2], None)
    importlib.invalidate_caches()
    registry.forget()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A directory whose files are files of `context_app/tools/`."""
    path = tmp_path / "dropped"
    path.mkdir()
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(path)])
    return path


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A directory of other distributions."""
    path = tmp_path / "site"
    info = path / "acme_tools-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: acme-tools\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(
        "[maestro.tools]\nwarmth = acme_warmth:tool\n"
    )
    monkeypatch.syspath_prepend(str(path))
    return path


def test_a_file_that_is_dropped_in_is_a_tool(folder):
    (folder / "drop_warmth.py").write_text(CODE.format(name="warmth"))
    assert registry.tools()["warmth"].run({}, None) == "19.5 °C"
    assert registry.problems() == []


def test_another_distribution_may_bring_a_tool(installed):
    (installed / "acme_warmth.py").write_text(CODE.format(name="warmth"))
    assert registry.tools()["warmth"].run({}, None) == "19.5 °C"
    assert registry.problems() == []


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import nothing_of_this_name", "cannot be loaded: ModuleNotFoundError"),
        ("raise SystemExit(1)", "cannot be loaded: SystemExit"),
        ("tool = 'shell'", "is no context_app.tools.base.Tool"),
        (CODE.format(name="current_time"), "repeats the name 'current_time'"),
    ],
)
def test_a_file_that_is_no_tool_is_named_and_harms_no_other(folder, code, says):
    (folder / "drop_bad.py").write_text(code)
    (folder / "drop_good.py").write_text(CODE.format(name="warmth"))
    assert {"warmth", "current_time", "web_fetch"} <= set(registry.tools())
    (problem,) = registry.problems()
    assert problem.startswith("context_app.tools.drop_bad") and says in problem
    (warning,) = [w for w in run_checks() if w.id == "context_app.W002"]
    assert says in warning.msg
