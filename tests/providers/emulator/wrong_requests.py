"""Requests that a vendor refuses, with its words; and some that look odd and are good.

Each is a change of the good request of `raw.GOOD`.
"""

from __future__ import annotations

from typing import Any

HELLO = {"role": "user", "content": "hello"}
TOOL: dict[str, Any] = {"type": "function", "name": "look", "parameters": {}}
CHAT_TOOL = {"type": "function", "function": {"name": "look"}}
CLAUDE_TOOL = {"name": "look", "input_schema": {"type": "object"}}
CALL = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "seen"}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "c1",
            "type": "function",
            "function": {"name": "look", "arguments": "{}"},
        }
    ],
}
TOOL_USE = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
TOOL_RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "seen"}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def claude(*parts: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(parts)}


def gemini(role: str, *parts: Any) -> dict[str, Any]:
    return {"role": role, "parts": list(parts)}


STRICT = TOOL | {"strict": True, "parameters": {"type": "object", "properties": {}}}
RESPONSES: list[tuple[dict[str, Any], str]] = [
    ({"max_tokens": 5}, "Unknown parameter: 'max_tokens'."),
    ({"temperature": 0.5}, "'temperature' is not supported with this model"),
    ({"reasoning": {"effort": "huge"}}, "Invalid value: 'huge'"),
    ({"include": ["everything"]}, "Invalid value: 'everything'"),
    ({"input": []}, "Missing required parameter: 'input'"),
    ({"input": [{"role": "robot", "content": "x"}]}, "Invalid value: 'robot'"),
    ({"input": [{"role": "user"}]}, "Missing required parameter: 'input[0].content'"),
    (
        {"input": [{"role": "assistant", "content": [{"type": "input_text"}]}]},
        "Supported values are: 'output_text', 'refusal'",
    ),
    ({"input": [HELLO, RESULT]}, "No tool call found for function call output"),
    ({"input": [HELLO, CALL]}, "No tool output found for function call c1"),
    ({"input": [HELLO, CALL, RESULT, RESULT]}, "No tool call found"),
    ({"input": [HELLO, CALL | {"arguments": {}}, RESULT]}, "expected a string"),
    ({"input": [HELLO, CALL | {"id": "msg_1"}, RESULT]}, "begins with 'fc'"),
    ({"input": [HELLO, REASONING, CALL, RESULT]}, "Items are not persisted"),
    ({"tools": [{"type": "function"}]}, "Missing required parameter: 'tools[0].name'"),
    ({"tools": [TOOL | {"name": "a b"}]}, "does not match pattern"),
    ({"tools": [STRICT]}, "'additionalProperties' is required"),
]
CHAT: list[tuple[dict[str, Any], str]] = [
    ({"messages": [{"role": "robot", "content": "x"}]}, "Invalid value: 'robot'"),
    ({"messages": [{"role": "user", "content": None}]}, "expected a string, got null"),
    ({"messages": [HELLO, CALLED]}, "did not have response messages: c1"),
    ({"messages": [HELLO, CALLED, HELLO]}, "did not have response messages: c1"),
    (
        {"messages": [HELLO, {"role": "tool", "tool_call_id": "c1", "content": ""}]},
        "must be a response to a preceeding message",
    ),
    (
        {"messages": [user({"type": "image_url", "image_url": {}})]},
        "Missing required parameter: 'messages[0].content[0].image_url.url'",
    ),
    ({"messages": [user({"type": "input_text"})]}, "Invalid value: 'input_text'"),
]
OPENAI_CHAT: list[tuple[dict[str, Any], str]] = [
    ({"max_tokens": 5}, "Use 'max_completion_tokens' instead"),
    ({"top_p": 0.5}, "'top_p' is not supported"),
    ({"max_output_tokens": 5}, "Unknown parameter"),
    ({"tool_choice": "auto"}, "only allowed when 'tools' are specified"),
    ({"stream": False, "stream_options": {}}, "only allowed when 'stream' is enabled"),
    ({"tools": [TOOL]}, "Missing required parameter: 'tools[0].function'"),
]
MESSAGES: list[tuple[dict[str, Any], str]] = [
    ({"max_tokens": 0}, "greater than or equal to 1"),
    ({"max_tokens": 10**6}, "which is the maximum allowed"),
    ({"max_output_tokens": 5}, "max_output_tokens: Extra inputs are not permitted"),
    ({"messages": []}, "at least one message is required"),
    ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
    ({"messages": [user()]}, "must have non-empty content"),
    ({"messages": [user({"type": "text", "text": " "})]}, "non-whitespace text"),
    ({"messages": [user(TOOL_USE)]}, "Input tag 'tool_use'"),
    ({"messages": [HELLO, claude(TOOL_USE)]}, "`tool_use` ids were found without"),
    ({"messages": [HELLO, claude(TOOL_USE), HELLO]}, "`tool_use` ids were found"),
    ({"messages": [user(TOOL_RESULT)]}, "unexpected `tool_use_id`"),
    (
        {"messages": [HELLO, claude(TOOL_USE),
                      user({"type": "text", "text": "so"}, TOOL_RESULT)]},
        "`tool_use` ids were found without",
    ),
    ({"messages": [HELLO, {"role": "assistant", "content": "So"}]}, "prefill"),
    ({"system": [{"type": "text", "text": ""}]}, "system.0"),
    ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "not supported by"),
    ({"tools": [{"name": "look"}]}, "tools.0.custom.input_schema: Field required"),
    ({"tools": [CLAUDE_TOOL, CLAUDE_TOOL]}, "Tool names must be unique"),
    ({"tool_choice": {"type": "any"}}, "may only be specified while providing tools"),
    (
        {"thinking": {"type": "adaptive"}, "tools": [CLAUDE_TOOL],
         "tool_choice": {"type": "any"}},
        "when tool_choice forces tool use",
    ),
    (
        {"messages": [user({"type": "image", "source": {"type": "base64", "data": "QQ==",
                                                       "media_type": "image/bmp"}})]},
        "Input should be 'image/jpeg'",
    ),
    ({"model": "claude-haiku-4-5", "thinking": {"type": "adaptive"}}, "not supported by"),
    (
        {"model": "claude-haiku-4-5",
         "thinking": {"type": "enabled", "budget_tokens": 2000}},
        "must be greater than `thinking.budget_tokens`",
    ),
]  # fmt: skip
CALL_PART = {"functionCall": {"name": "look", "args": {}}}
RESPONSE_PART = {"functionResponse": {"name": "look", "response": {}}}
TEXT = gemini("user", {"text": "hello"})
GENERATE: list[tuple[dict[str, Any], str]] = [
    ({"messages": []}, 'Unknown name "messages"'),
    ({"generationConfig": {"maxTokens": 5}}, 'Unknown name "maxTokens"'),
    ({"contents": [gemini("assistant", {"text": "x"})]}, "valid role: user, model"),
    ({"contents": [gemini("user")]}, "contents.parts must not be empty"),
    ({"contents": [gemini("user", {"thought": True})]}, "must have one initialized"),
    ({"contents": [gemini("user", {"text": "x"} | CALL_PART)]}, "already set"),
    ({"contents": [TEXT, gemini("model", CALL_PART)]}, "followed by"),
    ({"contents": [gemini("user", RESPONSE_PART)]}, "equal to the number"),
    (
        {"contents": [TEXT, gemini("model", CALL_PART), gemini("user", RESPONSE_PART)]},
        "missing a `thought_signature`",
    ),
    (
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 1,
                                                 "thinking_level": "LOW"}}},
        "only one of thinking budget",
    ),
    (
        {"tools": [{"functionDeclarations": [{"name": "look", "parameters": {
            "type": "object", "$schema": "x"}}]}]},
        'Unknown name "$schema"',
    ),
    ({"tools": [{"functionDeclarations": [{"name": "1"}]}]}, "Invalid function name"),
]  # fmt: skip
ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("openai_responses", {"input": [HELLO, CALL, RESULT], "tools": [TOOL]}),
    ("openai_responses", {"temperature": 1, "reasoning": {"effort": "none"}}),
    (
        "openai_chat",
        {
            "messages": [
                HELLO,
                CALLED,
                {"role": "tool", "tool_call_id": "c1", "content": "seen"},
            ],
            "tools": [CHAT_TOOL],
        },
    ),
    ("openai_chat", {"a_field_of_its_own": 1}),
    (
        "anthropic_messages",
        {"messages": [HELLO, claude(TOOL_USE), user(TOOL_RESULT)]},
    ),
    (
        "anthropic_messages",
        {
            "model": "claude-haiku-4-5",
            "messages": [HELLO, {"role": "assistant", "content": "So"}],
        },
    ),
    ("anthropic_messages", {"temperature": 1}),
    (
        "gemini_generate",
        {
            "system_instruction": {"parts": [{"text": "Be brief."}]},
            "generation_config": {"max_output_tokens": 5},
        },
    ),
    (
        "gemini_generate",
        {
            "contents": [
                TEXT,
                gemini(
                    "model",
                    CALL_PART
                    | {"thoughtSignature": "skip_thought_signature_validator"},
                ),
                gemini("user", RESPONSE_PART),
            ]
        },
    ),
]
