"""Arguments of the public calls: what is wrong is named, and the nearest right one, too."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from providers import logins, provider
from providers.errors import ConfigurationError
from providers.parameters import suggestion
from providers.store import MemoryStore
from providers.types import Reasoning, Tool
from tests.providers.dialects.wires import question

TOOL = Tool(name="look_up", description="", parameters={"type": "object"})


@pytest.fixture(autouse=True)
def _session(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("providers.sessions._store", MemoryStore())
    provider.create_session("groq", "api_key", name="work", api_key="k")
    yield


def chat(**options: Any) -> Any:
    return provider.stream_chat(
        "groq", "work", [question()], **{"model": "m", **options}
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temprature": 1}, "no option temprature. Did you mean 'temperature'?"),
        ({"max_tokens": 1}, "no option max_tokens. Did you mean 'max_output_tokens'?"),
        ({"auth_typ": "oauth"}, "Did you mean 'auth_type'?"),
        ({"origin": None}, "no option origin"),
        ({"auth_type": "apikey"}, "Did you mean 'api_key'?"),
        ({"reasoning": Reasoning(effort="hihg")}, "Did you mean 'high'?"),
        ({"tool_choice": "lookup", "tools": [TOOL]}, "Did you mean 'look_up'?"),
        ({"tool_choice": "requird"}, "Did you mean 'required'?"),
        ({"max_output_tokens": 0}, "max_output_tokens: Expected int >= 1"),
        ({"max_output_tokens": "9"}, "max_output_tokens: Expected int"),
        ({"temperature": "hot"}, "temperature: Expected float"),
        ({"stop_sequences": "x"}, "stop_sequences: Expected array"),
        ({"tools": [{"name": "x"}]}, "tools[0] must be a Tool, not dict"),
        ({"reasoning": {"effort": "high"}}, "reasoning must be a Reasoning, not dict"),
        ({"tools": "look_up"}, "tools: Expected array"),
        ({"idle_timeout_s": 0}, "idle_timeout_s: Expected float > 0"),
        ({"response_schema": "{}"}, "response_schema: Expected object"),
        ({"system": 7}, "system: Expected str"),
        ({"model": 7}, "model must be str, not int"),
    ],
)
def test_a_wrong_option_of_a_chat_is_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        chat(**options)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 1},
        {"tools": [TOOL], "tool_choice": "look_up"},
        {"tools": (TOOL,), "stop_sequences": ("x",)},
        {"reasoning": Reasoning(effort="high"), "idle_timeout_s": 5},
        {"auth_type": "api_key", "response_schema": {"type": "object"}},
        {"max_output_tokens": None, "conversation_key": "c"},
    ],
)
def test_right_options_pass(options: dict[str, Any]) -> None:
    chat(**options).close()


def test_a_message_of_another_type_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"messages\[1\] must be a Message"):
        provider.stream_chat("groq", "work", [question(), {"role": "user"}], model="m")


def test_the_preview_is_checked_like_the_request() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'system'"):
        provider.preview_chat("groq", "work", [question()], model="m", sytem="x")


@pytest.mark.parametrize(
    ("call", "arguments", "options", "words"),
    [
        ("create_session", ("groq", "api-key"), {"name": "w"}, "Did you mean 'api_key'?"),
        ("create_session", ("groq", "api_key"), {"nam": "w"}, "Did you mean 'name'?"),
        ("create_session", ("grok", "api_key"), {"name": "w"}, "Did you mean 'groq'?"),
        ("create_session", ("groq", "api_key"), {"name": 7}, "name must be str, not int"),
        ("delete_session", ("groq", "oath", "work"), {}, "Did you mean 'oauth'?"),
        ("list_models", ("gemni", None, "work"), {}, "Did you mean 'gemini'?"),
        ("list_models", ("groq", "token", "work"), {}, "Known: 'api_key', 'oauth'"),
        ("check_session", ("groq", "work"), {"auth": "x"}, "Did you mean 'auth_type'?"),
        ("begin_login", ("openai",), {"nme": "w"}, "Did you mean 'name'?"),
        ("refresh_tokens", ("groq", "work"), {"generation": "1"}, "must be int, not str"),
        ("refresh_tokens", ("groq", "work"), {"generation": True}, "not bool"),
        ("provider_capabilities", ("opnai",), {}, "Did you mean 'openai'?"),
        ("audit_code", ("groq", "work", "x"), {"sevrity_floor": "x"},
         "Did you mean 'severity_floor'?"),
        ("audit_code", ("groq", "work", "x"), {"severity_floor": "hgh"},
         "Did you mean 'high'?"),
        ("audit_code", ("groq", "work", "x"), {"kind": "dif"}, "Did you mean 'diff'?"),
        ("audit_code", ("groq", "work", "x"), {"paths": "*.py"}, "paths: Expected array"),
        ("audit_code", ("groq", "work", "x"), {"max_findings": 0}, "Expected int >= 1"),
        ("audit_code", ("groq", "work", "x"), {"parallel": 99}, "parallel: Expected int"),
        ("audit_code", ("groq", "work", "x"), {"cancel": True}, "cancel must be Event"),
        ("audit_code", ("groq", "work", "x"), {"previous": {}}, "previous must be"),
        ("audit_code", ("groq", "work", "x"), {"on_progress": 1}, "must be callable"),
        ("audit_code", ("groq", "work", 7), {}, "source must be text"),
        ("audit_code", ("groq", "work", {"a": 7}), {}, "source must be text"),
        ("audit_code", ("groq", "work", "x"), {}, "Choose a model first"),
    ],
)  # fmt: skip
def test_a_wrong_argument_of_any_call_is_named(
    call: str, arguments: tuple[Any, ...], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        getattr(provider, call)(*arguments, **options)

    assert words in str(caught.value)


def test_every_call_with_options_looks_at_them() -> None:
    """A public call that takes keywords has the check, or no keyword to get wrong."""
    for name in provider.__all__:
        call = getattr(provider, name)
        if not inspect.isfunction(call):
            continue
        takes = [
            p
            for p in inspect.signature(call).parameters.values()
            if p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD)
        ]
        is_checked = hasattr(call, "__wrapped__") or call is provider.stream_with
        assert is_checked or not takes, name
    assert logins.begin_login is provider.begin_login


@pytest.mark.parametrize("secret", ["sk-live-1234567890", "hunter2", "x" * 40])
def test_a_value_that_may_be_a_secret_is_not_repeated(secret: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        provider.create_session("groq", secret, name="work2", api_key="k")

    assert secret not in str(caught.value)


def test_a_word_without_a_like_has_no_suggestion() -> None:
    assert suggestion("zzz", ["api_key", "oauth"]) == ""
