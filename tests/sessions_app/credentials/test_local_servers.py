"""Servers on this machine are offered by name when they answer, and never wait long."""

import json
import socket
import time

import pytest

from providers import resolver
from providers.interface import Provider
from providers.types import Model
from sessions_app.services import credentials


class ModelsByHttp:
    """As the compatible vendors list their models."""

    key_url = ""

    def list_models(self, client):
        return [Model(id=row["id"]) for row in client.get_json("models")["data"]]

    def headers(self, credential):
        return {}

    def check(self, client): ...

    def call(self, request, credential): ...


@pytest.fixture
def install(monkeypatch):
    def install(**urls):
        behaviour = ModelsByHttp()
        found = {
            slug: Provider(
                slug=slug,
                label=slug.capitalize(),
                dialect="openai_chat",
                base_url=url,
                usual_url=url,
                streaming=behaviour,
                models=behaviour,
                api_key=behaviour,
            )
            for slug, url in urls.items()
        }
        monkeypatch.setattr(resolver, "_found", found)

    return install


def free_url():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1"


def test_a_server_that_answers_is_offered_and_sent_no_key(install, serve):
    url, seen = serve(200, json.dumps({"data": [{"id": "a"}, {"id": "b"}]}))
    install(ollama=url, lmstudio=free_url())

    (found,) = credentials.local_servers()

    assert (found.provider, found.label, found.url, found.models) == (
        "ollama",
        "Ollama",
        url,
        2,
    )
    assert seen == [("/v1/models", None)]


@pytest.mark.parametrize(
    ("status", "body"), [(404, "{}"), (500, "x"), (200, "<html>"), (401, "{}")]
)
def test_something_else_on_that_port_is_not_offered(install, serve, status, body):
    url, _ = serve(status, body)
    install(ollama=url)
    assert credentials.local_servers() == []


def test_a_port_that_accepts_and_says_nothing_costs_half_a_second(install):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        install(ollama=f"http://127.0.0.1:{silent.getsockname()[1]}/v1")
        started = time.monotonic()
        assert credentials.local_servers() == []
        assert time.monotonic() - started < 1.5


def test_without_local_vendors_nobody_is_asked(install):
    install()
    assert credentials.local_servers() == []
