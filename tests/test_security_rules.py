"""Rules that a careless line could break anywhere: checked over the whole product."""

import ast
import asyncio
import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PRODUCT = [
    path
    for folder in ("maestro", "providers", "sessions_app", "context_app")
    for path in (ROOT / folder).rglob("*.py")
]
ORM = {
    "filter",
    "exclude",
    "annotate",
    "aggregate",
    "order_by",
    "get",
    "create",
    "values",
}


def expansions(text):
    """Lines where something of a request is expanded into an ORM call."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr not in ORM:
            continue
        spread = [k.value for k in node.keywords if k.arg is None]
        spread += [a.value for a in node.args if isinstance(a, ast.Starred)]
        for value in spread:
            if re.search(r"request|\.GET|\.POST|frame|body|data\b", ast.unparse(value)):
                found.append(node.lineno)
    return found


def test_the_check_itself_finds_an_expansion():
    assert expansions("Run.objects.filter(**request.GET.dict())") == [1]
    assert expansions("qs.order_by(*frame.sort)") == [1]
    assert expansions("Run.objects.filter(pk=frame.run_id)") == []


def test_no_request_data_is_expanded_into_the_orm():
    found = {str(p.relative_to(ROOT)): expansions(p.read_text()) for p in PRODUCT}
    assert not {name: lines for name, lines in found.items() if lines}


@pytest.mark.parametrize(
    ("name", "least"),
    [("django", (5, 2, 19)), ("daphne", (4, 2, 3)), ("urllib3", (2, 5, 0))],
)
def test_the_lock_holds_the_versions_that_matter(name, least):
    lock = (ROOT / "requirements.txt").read_text()
    version = re.search(rf"^{name}==([\d.]+)", lock, re.MULTILINE)[1]
    assert tuple(int(part) for part in version.split(".")) >= least


@pytest.mark.parametrize(
    "lock",
    [
        "requirements.txt",
        "requirements-scale.txt",
        "requirements-sso.txt",
        "requirements-dev.txt",
    ],
)
def test_every_package_is_locked_by_hash(lock):
    text = (ROOT / lock).read_text()
    packages = re.findall(r"^[a-z0-9][^\s=]*==", text, re.MULTILINE)
    blocks = re.split(r"^(?=[a-z0-9][^\s=]*==)", text, flags=re.MULTILINE)[1:]
    assert len(packages) == len(blocks) > 30
    assert all("--hash=sha256:" in block for block in blocks)


async def test_a_flood_of_headers_is_answered_at_once():
    from django.core.asgi import get_asgi_application

    application = get_asgi_application()
    sent = []

    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive():
        if not messages:
            await asyncio.Event().wait()  # the client stays
        return messages.pop()

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"localhost"), *((b"x-flood", b"1") for _ in range(10_000))]
    scope = {
        "type": "http", "method": "GET", "path": "/healthz", "raw_path": b"/healthz",
        "query_string": b"", "headers": headers, "http_version": "1.1", "scheme": "http",
        "server": ("localhost", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    await application(scope, receive, send)
    assert sent[0]["status"] == 200
