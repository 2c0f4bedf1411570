"""What OpenAI refuses in a request of Responses.

Source: openai-python `types/responses/response_create_params.py`,
`response_input_item_param.py`
"""

from __future__ import annotations

from typing import Any

from providers.emulator import schema_checks
from providers.emulator.openai_checks import (
    EFFORTS,
    function,
    known_fields,
    needed,
    one_of,
    sampling,
)
from providers.emulator.state import State
from providers.emulator.wire import require

_FIELDS = {
    "access_programs", "background", "background_options", "context_management",
    "conversation", "image", "include", "input", "instructions", "max_output_tokens",
    "max_tool_calls", "metadata", "model", "moderation", "parallel_tool_calls",
    "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_options",
    "prompt_cache_retention", "reasoning", "safety_identifier", "service_tier", "store",
    "stream", "stream_options", "temperature", "text", "tool_choice", "tools",
    "top_logprobs", "top_p", "truncation", "user",
}  # fmt: skip
COUNTED = {
    "conversation", "input", "instructions", "model", "parallel_tool_calls",
    "personality", "previous_response_id", "reasoning", "text", "tool_choice", "tools",
    "truncation",
}  # fmt: skip
_INCLUDES = {
    "reasoning.encrypted_content", "web_search_call.action.sources",
    "web_search_call.results", "file_search_call.results", "code_interpreter_call.outputs",
    "message.output_text.logprobs", "message.input_image.image_url",
    "computer_call_output.output.image_url",
}  # fmt: skip
_ROLES = {"user", "assistant", "system", "developer"}
_SAID = {"input_text", "input_image", "input_file"}
_ANSWERED = {"output_text", "refusal"}
_IDS = {"reasoning": "rs", "function_call": "fc", "message": "msg"}


def check(body: dict[str, Any], items: list[Any], state: State) -> None:
    """Raises Wrong."""
    known_fields(body, _FIELDS)
    reasoning = body.get("reasoning") or {}
    if reasoning.get("effort") is not None:
        one_of(reasoning["effort"], EFFORTS, "reasoning.effort")
    if reasoning.get("summary") is not None:
        one_of(
            reasoning["summary"], {"auto", "concise", "detailed"}, "reasoning.summary"
        )
    sampling(body, reasoning.get("effort"))
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        schema_checks.openai(form, "text.format")
    for i, name in enumerate(body.get("include") or ()):
        one_of(name, _INCLUDES, f"include[{i}]")
    for i, tool in enumerate(body.get("tools") or ()):
        if needed(tool, "type", f"tools[{i}].type") == "function":
            function(tool, f"tools[{i}]")
    _items(items, state)


def _items(items: list[Any], state: State) -> None:
    asked: dict[str, None] = {}
    for i, item in enumerate(items):
        where = f"input[{i}]"
        require(isinstance(item, dict), f"Invalid type for '{where}'.", param=where)
        kind = item.get("type", "message")
        _id(item, kind, where)
        match kind:
            case "message":
                _message(item, where)
            case "function_call":
                call_id = str(needed(item, "call_id", f"{where}.call_id"))
                needed(item, "name", f"{where}.name")
                text = needed(item, "arguments", f"{where}.arguments")
                require(
                    isinstance(text, str),
                    f"Invalid type for '{where}.arguments': expected a string.",
                    param=f"{where}.arguments",
                    code="invalid_type",
                )
                asked[call_id] = None
            case "function_call_output":
                call_id = str(needed(item, "call_id", f"{where}.call_id"))
                needed(item, "output", f"{where}.output")
                require(
                    call_id in asked,
                    f"No tool call found for function call output with call_id {call_id}.",
                    param="input",
                )
                del asked[call_id]
            case "reasoning":
                _reasoning(item, where, items[i + 1 :], state)
    for call_id in asked:
        require(
            False, f"No tool output found for function call {call_id}.", param="input"
        )


def _id(item: dict[str, Any], kind: str, where: str) -> None:
    prefix = _IDS.get(kind)
    if prefix is not None and item.get("id") is not None:
        require(
            str(item["id"]).startswith(prefix),
            f"Invalid '{where}.id': '{item['id']}'. Expected an ID that begins with "
            f"'{prefix}'.",
            param=f"{where}.id",
            code="invalid_value",
        )


def _message(item: dict[str, Any], where: str) -> None:
    one_of(item.get("role"), _ROLES, f"{where}.role")
    content = needed(item, "content", f"{where}.content")
    known = _ANSWERED if item["role"] == "assistant" else _SAID
    for at, part in enumerate(content if isinstance(content, list) else ()):
        place = f"{where}.content[{at}]"
        kind = needed(part, "type", f"{place}.type")
        one_of(kind, known, f"{place}.type")
        match kind:
            case "input_text" | "output_text":
                needed(part, "text", f"{place}.text")
            case "input_image":
                require(
                    bool(part.get("image_url") or part.get("file_id")),
                    f"Missing required parameter: '{place}.image_url'.",
                    param=place,
                    code="missing_required_parameter",
                )
                url = part.get("image_url") or ""
                require(
                    isinstance(url, str),
                    f"Invalid type for '{place}.image_url': expected an image URL.",
                    param=f"{place}.image_url",
                    code="invalid_type",
                )


def _reasoning(
    item: dict[str, Any], where: str, after: list[Any], state: State
) -> None:
    needed(item, "summary", f"{where}.summary")
    sealed = item.get("encrypted_content")
    require(
        sealed is not None,
        f"Item with id '{item.get('id')}' not found. Items are not persisted when `store` "
        "is set to false. Try again with `store` set to true, or remove this item from your "
        "input.",
        param="input",
    )
    require(
        state.is_ours("reasoning", sealed),
        "The encrypted content could not be verified.",
        code="invalid_encrypted_content",
    )
    followers = [found for found in after if isinstance(found, dict)]
    kinds = [found.get("type", "message") for found in followers]
    following = next((at for at, kind in enumerate(kinds) if kind != "reasoning"), None)
    is_followed = following is not None and (
        kinds[following] != "message" or followers[following].get("role") == "assistant"
    )
    require(
        is_followed and kinds[following or 0] != "function_call_output",
        f"Item '{item.get('id')}' of type 'reasoning' was provided without its required "
        "following item.",
        param="input",
    )
