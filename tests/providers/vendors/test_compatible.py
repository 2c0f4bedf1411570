"""The OpenAI-compatible vendors: manifests of data, and how their keys are checked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers import provider, resolver
from providers.compatible import Quirks, openai_compatible
from providers.errors import ConfigurationError, CredentialRejected
from providers.http import HttpSettings, configure, pool, settings
from providers.http.urls import parse_base_url
from providers.store import MemoryStore
from providers.types import Credential, Secret
from tests.providers.dialects.wires import answer, question, request
from tests.providers.tiny_server import TinyServer

LOCAL = ("ollama", "vllm", "llamacpp", "lmstudio")


HOSTED = ("openrouter", "groq", "mistral", "deepseek", "xai")


VENDORS = (*LOCAL, *HOSTED, "custom")


@pytest.fixture(autouse=True)
def _fresh_wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("providers.sessions._store", MemoryStore())
    before = settings()
    configure(HttpSettings(connect_timeout_s=2.0, read_timeout_s=5.0))
    yield
    pool.close_idle()
    configure(before)


@pytest.fixture
def server() -> Iterator[TinyServer]:
    with TinyServer({}) as running:
        yield running


def credential(slug: str, key: str = "k", base_url: str = "") -> Credential:
    secrets = {"api_key": Secret(key)} if key else {}
    return Credential(
        provider=slug,
        auth_type="api_key",
        name="work",
        secrets=secrets,
        base_url=base_url,
    )


@pytest.mark.parametrize("slug", VENDORS)
def test_each_vendor_is_a_manifest_of_data(slug: str) -> None:
    manifest = resolver.provider(slug)

    assert manifest.dialect == "openai_chat"
    assert manifest.auth_types == ("api_key",)
    if slug == "custom":
        assert manifest.base_url_required
        return
    assert parse_base_url(manifest.base_url) == manifest.base_url
    call = manifest.streaming.call(request(question()), credential(slug))
    assert call.url == f"{manifest.base_url}/chat/completions"


@pytest.mark.parametrize("slug", HOSTED)
def test_a_hosted_vendor_wants_a_key_and_says_where_to_make_one(slug: str) -> None:
    manifest = resolver.provider(slug)

    assert manifest.key_required
    assert manifest.base_url.startswith("https://")
    assert resolver.resolve(slug, "api_key").key_url.startswith("https://")
    assert manifest.usual_url == ""


@pytest.mark.parametrize("slug", LOCAL)
def test_a_local_server_has_a_usual_place_and_needs_no_key(slug: str) -> None:
    manifest = resolver.provider(slug)

    assert not manifest.key_required
    assert manifest.usual_url.startswith("http://localhost:")
    assert resolver.resolve(slug, "api_key").headers(credential(slug, key="")) == {}


def test_a_credentials_own_address_wins() -> None:
    streaming = resolver.resolve("vllm", "streaming")
    own = credential("vllm", base_url="http://gpu.example:8000/v1")

    url = streaming.call(request(question()), own).url
    assert url == "http://gpu.example:8000/v1/chat/completions"


def test_errors_in_the_stream_carry_the_vendors_name() -> None:
    made = openai_compatible(
        slug="acme", label="Acme", base_url="https://a.example/v1", quirks=Quirks()
    )
    call = made.streaming.call(request(question()), credential("acme"))
    (error,) = call.decoder.finish()

    assert error.error.provider == "acme"


def test_fields_that_a_server_may_refuse_are_optional() -> None:
    call = resolver.resolve("groq", "streaming").call(
        request(question()), credential("groq")
    )

    assert set(call.optional_fields) == {
        "stream_options",
        "parallel_tool_calls",
        "reasoning_effort",
        "response_format",
    }


def test_deepseek_gets_its_reasoning_back_with_tool_calls() -> None:
    from providers.types import ReasoningPart, ToolCallPart

    said = answer(
        ReasoningPart(text="Hm"), ToolCallPart(call_id="c", name="f", arguments={})
    )
    call = resolver.resolve("deepseek", "streaming").call(
        request(question(), said), credential("deepseek")
    )

    assert call.body["messages"][1]["reasoning_content"] == "Hm"


def test_openrouter_checks_the_key_and_not_its_public_list(server: TinyServer) -> None:
    refusal = {"error": {"message": "User not found.", "code": 401}}
    server.answers = {
        "GET /api/v1/models": (200, {"data": []}),
        "GET /api/v1/key": (401, refusal),
    }
    provider.create_session(
        "openrouter",
        "api_key",
        name="work",
        api_key="k",
        base_url=f"{server.url}/api/v1",
    )

    with pytest.raises(CredentialRejected):
        provider.check_session("openrouter", "work")
    assert server.asked[0].headers["x-title"] == "Maestro"


def test_an_address_without_a_list_says_what_to_check(server: TinyServer) -> None:
    provider.create_session("custom", "api_key", name="work", base_url=server.url)

    with pytest.raises(ConfigurationError, match="usually ends in /v1"):
        provider.check_session("custom", "work")


def test_a_server_without_a_list_has_no_models_to_offer(server: TinyServer) -> None:
    provider.create_session("custom", "api_key", name="work", base_url=server.url)

    assert provider.list_models("custom", "api_key", "work") == []
