"""The folders of the page's scripts: who may import whom, and that none lies about unused."""

from __future__ import annotations

import posixpath
import re
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "sessions_app" / "static" / "js"
_IMPORT = re.compile(r"""\b(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""")
_NAMED = re.compile(r"'js/([^']+\.js)'")


def scripts() -> dict[str, set[str]]:
    """Every script by its path below js/, with the scripts that it imports."""
    found = {}
    for file in SCRIPTS.rglob("*.js"):
        name = file.relative_to(SCRIPTS).as_posix()
        asked = _IMPORT.findall(file.read_text())
        paths = {
            posixpath.normpath(f"{posixpath.dirname(name)}/{one}") for one in asked
        }
        found[name] = {one for one in paths if not one.startswith("../vendor/")}
    return found


def folder(name: str) -> str:
    return name.partition("/")[0]


def named_by_templates() -> set[str]:
    texts = [one.read_text() for one in (ROOT / "templates").rglob("*.html")]
    return {name for text in texts for name in _NAMED.findall(text)}


def test_every_script_lies_in_a_folder_and_says_its_name_in_its_first_line() -> None:
    for name in scripts():
        first = (SCRIPTS / name).read_text().partition("\n")[0]
        assert "/" in name and first.startswith(f"// {name}: "), name


def test_what_is_shared_imports_nothing_of_a_page() -> None:
    asked = {
        one
        for name, found in scripts().items()
        for one in found
        if folder(name) == "shared"
    }
    assert asked and {folder(one) for one in asked} == {"shared"}


def folders() -> dict[str, set[str]]:
    """Every folder, with the others that its scripts import from."""
    found: dict[str, set[str]] = {}
    for name, asked in scripts().items():
        others = {folder(one) for one in asked} - {folder(name)}
        found.setdefault(folder(name), set()).update(others)
    return found


def test_folders_import_one_another_in_no_circle() -> None:
    order = list(TopologicalSorter(folders()).static_order())  # raises on a circle
    assert order[0] == "shared"


def test_the_map_in_the_documents_names_every_folder_and_what_it_imports() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| `(\w+)/` \| .+ \|([^|]*)\|$", text, re.MULTILINE)
    told = {name: set(re.findall(r"`(\w+)`", imports)) for name, imports in rows}
    real = {name: others - {"shared"} for name, others in folders().items()}
    assert {name: told.get(name) for name in real} == real


def test_every_page_finds_its_script_and_every_script_is_on_a_page() -> None:
    imports = scripts()
    waiting = named_by_templates()
    assert "chat/page.js" in waiting
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= imports[name] - reached  # a KeyError names what is not there
    assert reached == set(imports)
