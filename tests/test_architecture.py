"""The rules of who may import whom, and the one HTTP client, held by machine.

The contracts of `pyproject.toml` run here; what depends on which vendors are installed is
worked out from the import graph, so that a new folder is under the rules at once.
"""

import ast
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from providers import resolver

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("maestro", "providers", "sessions_app", "context_app")
# Packages of providers/ that are machinery, not vendors.
MACHINERY = {
    "audit", "conformance", "dialects", "emulator", "http", "management", "oauth",
}  # fmt: skip

# Ways to speak HTTP that are not ours, and where an exception holds.
FOREIGN_CLIENTS = (
    "httpx", "httpcore", "aiohttp", "urllib.request", "http.client", "urllib3", "httplib2",
    "pycurl", "treq", "niquests", "curl_cffi", "websockets", "websocket", "openai",
    "anthropic", "google.genai",
)  # fmt: skip
ALLOWED = {
    "requests": ("providers/http/",),
    "urllib3": ("providers/http/",),
    "requests_oauthlib": ("providers/",),
}


def product_files() -> list[Path]:
    found = [p for name in PRODUCT for p in (ROOT / name).rglob("*.py")]
    found += [ROOT / "manage.py", *(ROOT / "bin").glob("*.py")]
    return sorted(p for p in found if p.is_file())


def imported_names(source: str) -> list[str]:
    """Every absolute module name that the source imports, in whatever way."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            first = node.args[0]
            if called in ("import_module", "__import__", "find_spec") and isinstance(
                first, ast.Constant
            ):
                names.append(str(first.value))
    return names


def violations(source: str, path: str) -> list[str]:
    """The imports of `source` that the one-client rule forbids at `path`."""
    found = []
    for name in imported_names(source):
        for client in (*FOREIGN_CLIENTS, *ALLOWED):
            is_it = name == client or name.startswith(client + ".")
            if is_it and not path.startswith(ALLOWED.get(client, ("nowhere",))):
                found.append(f"{path} imports {name}")
    return found


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("import httpx", "providers/http/client.py"),
        ("from aiohttp import ClientSession", "sessions_app/runs/step.py"),
        ("import urllib.request", "maestro/health.py"),
        ("from urllib import request", "maestro/health.py"),
        ("from http import client", "maestro/health.py"),
        ("import http.client as h", "maestro/health.py"),
        ("def f():\n    import urllib3.util", "providers/openai/models.py"),
        ("import requests", "providers/openai/oauth.py"),
        ("from requests import Session", "sessions_app/services/x.py"),
        ("import requests_oauthlib", "sessions_app/services/x.py"),
        ("import importlib\nimportlib.import_module('httpx')", "providers/x.py"),
        ("__import__('openai')", "providers/openai/streaming.py"),
        ("import websockets", "sessions_app/consumers/chat.py"),
    ],
)
def test_the_check_itself_finds_every_way_to_break_the_rule(source, path):
    assert violations(source, path)


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("import requests\nimport urllib3", "providers/http/pool.py"),
        ("import requests_oauthlib", "providers/openai/oauth.py"),
        ("import urllib.parse\nfrom http import HTTPStatus", "maestro/web.py"),
        ("from http.server import ThreadingHTTPServer", "providers/emulator/server.py"),
        ("from providers import openai, anthropic", "providers/x.py"),
        ("from . import openai", "providers/x.py"),
    ],
)
def test_the_check_itself_lets_the_rest_alone(source, path):
    assert violations(source, path) == []


def test_there_is_one_http_client():
    """AC-REQ1: requests, and requests only in providers/http."""
    files = product_files()
    assert len(files) > 50
    found = []
    for path in files:
        place = path.relative_to(ROOT).as_posix()
        found += violations(path.read_text(), place)
    assert found == []


def test_the_import_contracts_hold():
    command = (
        "from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    done = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        *PRODUCT, exclude_type_checking_imports=True, cache_dir=None
    )


def vendors(graph: grimp.ImportGraph) -> list[str]:
    """The vendor packages, found as the resolver finds them."""
    packages = [
        name
        for name in graph.find_children("providers")
        if graph.find_children(name) or (ROOT / name.replace(".", "/")).is_dir()
    ]
    return sorted(n for n in packages if n.rpartition(".")[2] not in MACHINERY)


def direct_imports(graph: grimp.ImportGraph, of: str) -> set[tuple[str, str]]:
    """(importer, imported) for a module or package and all below it."""
    inside = {of, *graph.find_descendants(of)} & graph.modules
    return {
        (module, target)
        for module in inside
        for target in graph.find_modules_directly_imported_by(module)
    }


def is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def test_vendors_are_strangers_to_each_other(graph):
    found = vendors(graph)
    assert {"providers.openai", "providers.anthropic", "providers.gemini"} <= set(found)
    broken = [
        edge
        for vendor in found
        for edge in direct_imports(graph, vendor)
        for other in found
        if other != vendor and is_in(edge[1], other)
    ]
    assert broken == []


def test_nobody_outside_providers_knows_a_vendor_or_a_dialect(graph):
    hidden = [*vendors(graph), "providers.dialects"]
    broken = [
        edge
        for package in PRODUCT
        if package != "providers"
        for edge in direct_imports(graph, package)
        if any(is_in(edge[1], name) for name in hidden)
    ]
    assert broken == []


def test_nobody_inside_providers_knows_a_vendor_by_name(graph):
    """The generic code finds vendors through the resolver, never by an import."""
    found = vendors(graph)
    broken = [
        edge
        for edge in direct_imports(graph, "providers")
        if any(is_in(edge[1], v) and not is_in(edge[0], v) for v in found)
    ]
    assert broken == []


def test_the_emulator_and_what_it_tests_are_strangers(graph):
    tested = [
        "providers.dialects",
        "providers.http",
        "providers.provider",
        *vendors(graph),
    ]
    own = direct_imports(graph, "providers.emulator")
    assert [e for e in own if any(is_in(e[1], name) for name in tested)] == []
    users = {
        importer
        for package in PRODUCT
        for importer, target in direct_imports(graph, package)
        if is_in(target, "providers.emulator")
        and not is_in(importer, "providers.emulator")
    }
    assert users <= {"providers.management.commands.emulate_providers"}


def slug_comparisons(source: str, slugs: set[str]) -> list[int]:
    """Lines where something is compared with a vendor's slug, in whatever way."""

    def names_one(node: ast.AST) -> bool:
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            return any(names_one(item) for item in node.elts)
        return isinstance(node, ast.Constant) and node.value in slugs

    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            sides = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            is_test = node.func.attr in ("startswith", "endswith", "__eq__")
            sides = list(node.args) if is_test else []
        else:
            continue
        if any(names_one(side) for side in sides):
            found.append(node.lineno if hasattr(node, "lineno") else 0)
    return found


@pytest.mark.parametrize(
    "source",
    [
        "if provider == 'acme': pass",
        "if 'acme' != row.provider: pass",
        "if slug in ('other', 'acme'): pass",
        "if slug not in {'acme'}: pass",
        "match slug:\n    case 'acme':\n        pass",
        "match slug:\n    case 'other' | 'acme':\n        pass",
        "if slug.startswith('acme'): pass",
        "x = 1 if p.slug == 'acme' else 2",
    ],
)
def test_the_check_itself_finds_a_comparison_with_a_slug(source):
    assert len(slug_comparisons(source, {"acme"})) == 1


def test_the_check_itself_lets_other_words_and_tables_alone():
    source = "a = auth_type == 'oauth'\nb = {'acme': 1}\nc = resolve('acme', 'models')"
    assert slug_comparisons(source, {"acme"}) == []


def test_no_generic_code_asks_which_vendor_it_deals_with():
    """What differs between vendors stands in their manifests, not in a condition.

    A vendor's own package and the emulator, which plays the vendors, may ask.
    """
    slugs = set(resolver.providers())
    assert {"openai", "anthropic", "gemini"} <= slugs
    own = ("providers/emulator/", *(f"providers/{slug}/" for slug in slugs))
    found = []
    for path in product_files():
        place = path.relative_to(ROOT).as_posix()
        if not place.startswith(own):
            lines = slug_comparisons(path.read_text(), slugs)
            found += [f"{place}:{line}" for line in lines]
    assert found == []


def test_importing_the_events_does_not_load_an_http_client():
    command = (
        "import sys, providers.streaming, providers.http.sse, providers.error_bodies;"
        "print([m for m in ('requests', 'urllib3', 'django') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
