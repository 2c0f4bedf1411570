"""Vendors that do what a test tells them, servers and databases of a test's own."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.cache import cache

from providers import resolver
from providers.interface import Provider
from providers.types import Model
from sessions_app.sealing import key_files
from tests.sessions_app.credentials.databases import empty_database
from tests.sessions_app.factories import make_superuser, make_team, make_user

OPENAI_ENV_NAMES = {
    "api_key": "OPENAI_API_KEY",
    "base_url": "OPENAI_BASE_URL",
    "organization": "OPENAI_ORG_ID",
}


@dataclass
class FakeVendor:
    """`error` is raised by the next calls; `seen` are the keys it was sent."""

    error: Exception | None = None
    models: list[Model] = field(default_factory=lambda: [Model(id="model-one")])
    seen: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    key_url: str = ""

    def headers(self, credential):
        self.seen.append(credential.secret("api_key"))
        self.addresses.append(credential.base_url)
        return {"Authorization": f"Bearer {credential.secret('api_key')}"}

    def check(self, client):
        if self.error:
            raise self.error

    def list_models(self, client):
        self.check(client)
        return self.models

    def call(self, request, credential):
        raise NotImplementedError


def manifest(slug: str, vendor: FakeVendor, **fields: object) -> Provider:
    facts = {
        "label": slug.capitalize(),
        "dialect": "openai_chat",
        "base_url": f"https://api.{slug}.test/v1",
    }
    return Provider(
        slug=slug,
        streaming=vendor,
        models=vendor,
        api_key=vendor,
        **facts | fields,
    )


@pytest.fixture
def vendor(monkeypatch):
    """The one behind every provider of a test."""
    vendor = FakeVendor()
    installed = [
        manifest("openai", vendor, label="OpenAI", env_names=OPENAI_ENV_NAMES),
        manifest("anthropic", vendor, base_url="https://api.anthropic.test"),
        manifest("gemini", vendor, base_url="https://api.gemini.test/v1beta"),
        manifest("server", vendor, base_url_required=True, key_required=False),
        manifest("fixed", vendor, base_url_editable=False),
    ]
    monkeypatch.setattr(resolver, "_found", {m.slug: m for m in installed})
    return vendor


@pytest.fixture(autouse=True)
def _fresh_cache():
    cache.clear()


@pytest.fixture
def alice(db):
    return make_user("alice")


@pytest.fixture
def bob(db):
    return make_user("bob")


@pytest.fixture
def charlie(db):
    return make_user("charlie")


@pytest.fixture
def staff(db):
    return make_superuser("root")


@pytest.fixture
def team(alice, bob):
    return make_team(alice, bob, name="Core")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path, settings, django_db_blocker):
    """An empty database of its own, of both kinds, with an encryption key."""
    settings.MAESTRO_ENCRYPTION_KEYS = [key_files.new_key()]
    with (
        django_db_blocker.unblock(),
        empty_database(request.param, tmp_path) as connection,
    ):
        yield connection


@pytest.fixture
def serve():
    """Start a server that gives one answer to everything; its URL and what it saw."""
    running = []

    def serve(status, body):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                seen.append((self.path, self.headers.get("Authorization")))
                content = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args): ...

        seen = []
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/v1", seen

    yield serve
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()
