"""The documents name only what there is; maps of packages name all of it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from maestro import env

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
COMMAND = re.compile(r"(?:manage\.py|^manage|`manage) ([a-z_0-9]{3,})", re.MULTILINE)
SETTING = re.compile(r"\bMAESTRO_[A-Z0-9_]+[A-Z0-9]\b")
# Read elsewhere than in the table of settings, and named where that is.
OTHER_VARIABLES = {
    "MAESTRO_PROOF_RUNS",
    "MAESTRO_RECORDINGS",
    "MAESTRO_TEST_DATABASE_URL",
    "MAESTRO_TEST_POSTGRES_URL",
    "MAESTRO_TEST_REDIS_URL",
    "MAESTRO_VENV",
}

every_document = pytest.mark.parametrize("document", PAGES, ids=lambda p: p.name)


@every_document
def test_every_link_leads_somewhere(document: Path) -> None:
    targets = [t for t in LINK.findall(document.read_text()) if "://" not in t]

    missing = [t for t in targets if not (document.parent / t).exists()]

    assert missing == []


@every_document
def test_every_command_exists(document: Path) -> None:
    named = set(COMMAND.findall(document.read_text()))

    assert named <= set(get_commands()) | {"prepare"}, document


@every_document
def test_every_setting_exists(document: Path) -> None:
    known = set(env.SETTINGS)
    named = {
        n.removesuffix("_FILE") if n not in known else n for n in _settings(document)
    }

    assert named - known <= OTHER_VARIABLES, document


def _settings(document: Path) -> set[str]:
    text = document.read_text()
    return {n for n in SETTING.findall(text) if f"{n}_…" not in text}


def test_every_document_is_reached_from_the_readme() -> None:
    linked = set(LINK.findall((ROOT / "README.md").read_text()))

    unlinked = {f"docs/{p.name}" for p in ROOT.glob("docs/*.md")} - linked

    assert unlinked == set()


# Packages whose docstring is a map of their modules.
MAPPED = [
    "context_app/services",
    "maestro",
    "providers",
    "sessions_app",
    "sessions_app/runs",
    "sessions_app/runs/audits",
    "sessions_app/runs/context",
    "sessions_app/runs/log",
    "sessions_app/services",
    "sessions_app/services/credentials",
    "sessions_app/services/logins",
    "sessions_app/services/people",
]


@pytest.mark.parametrize("package", MAPPED)
def test_the_map_of_a_package_names_every_module(package: str) -> None:
    """A newcomer reads these first: a module that is not on the map is not found."""
    text = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text()))
    modules = {p.stem for p in (ROOT / package).glob("[!_]*.py")}

    missing = modules - set(re.findall(r"\w+", text or ""))

    assert missing == set(), f"name it in the docstring of {package}/__init__.py"
