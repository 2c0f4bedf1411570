"""What Gemini refuses in a request, so that a wrong encoder shows.

Names of fields are taken in both spellings, as protobuf's JSON allows.

Source: python-genai `types.py`, ai.google.dev/api/generate-content,
/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

import re
from typing import Any

from providers.emulator import models, schema_checks
from providers.emulator.state import State
from providers.emulator.wire import Wrong, require

_FIELDS = {
    "cachedContent", "contents", "continuationToken", "generateContentRequest",
    "generationConfig", "labels", "model", "safetySettings", "serviceTier", "store",
    "systemInstruction", "toolConfig", "tools",
}  # fmt: skip
_CONFIG = {
    "audioTimestamp", "candidateCount", "enableAffectiveDialog",
    "enableEnhancedCivicAnswers", "frequencyPenalty", "imageConfig", "logprobs",
    "maxOutputTokens", "mediaResolution", "presencePenalty", "responseFormat",
    "responseJsonSchema", "responseLogprobs", "responseMimeType", "responseModalities",
    "responseSchema", "routingConfig", "seed", "speechConfig", "stopSequences",
    "temperature", "thinkingConfig", "topK", "topP",
}  # fmt: skip
_DATA = {
    "text", "inlineData", "fileData", "functionCall", "functionResponse",
    "executableCode", "codeExecutionResult", "toolCall", "toolResponse",
}  # fmt: skip
_PART = _DATA | {"thought", "thoughtSignature", "videoMetadata", "mediaResolution",
                 "partMetadata"}  # fmt: skip
_SCHEMA = {
    "additionalProperties", "anyOf", "default", "defs", "description", "enum", "example",
    "format", "items", "maxItems", "maxLength", "maxProperties", "maximum", "minItems",
    "minLength", "minProperties", "minimum", "nullable", "pattern", "properties",
    "propertyOrdering", "ref", "required", "title", "type",
}  # fmt: skip
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}\Z")
_FOREIGN = {"skip_thought_signature_validator", "context_engineering_is_the_way_to_go"}


def camel(data: Any) -> Any:
    """The same with the names of the fields in camel case; the values are left alone."""
    if not isinstance(data, dict):
        return data
    return {
        re.sub(r"_([a-z])", lambda m: m[1].upper(), name): value
        for name, value in data.items()
    }


def check(body: dict[str, Any], model: str, state: State) -> None:
    """Raises Wrong. `body` as `camel` makes it."""
    _known(body, _FIELDS, "")
    config = camel(body.get("generationConfig") or {})
    _known(config, _CONFIG, " at 'generation_config'")
    _thinking(camel(config.get("thinkingConfig") or {}), model)
    schema_checks.gemini(config)
    for i, tool in enumerate(body.get("tools") or ()):
        for at, declared in enumerate(camel(tool).get("functionDeclarations") or ()):
            _declared(camel(declared), f"tools[{i}].function_declarations[{at}]")
    contents = body.get("contents")
    require(
        isinstance(contents, list) and bool(contents),
        "* GenerateContentRequest.contents: contents is not specified",
    )
    _contents(contents or [], model, state)


def _known(data: dict[str, Any], known: set[str], where: str) -> None:
    for name in data:
        require(
            name in known,
            f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find '
            "field.",
        )


def _thinking(thinking: dict[str, Any], model: str) -> None:
    has_level = thinking.get("thinkingLevel") is not None
    has_budget = thinking.get("thinkingBudget") is not None
    require(
        not (has_level and has_budget),
        "You can only set only one of thinking budget and thinking level.",
    )
    require(
        not (has_level and "-2.5-" in model),
        "Thinking level is not supported for this model.",
    )


def _declared(declared: dict[str, Any], where: str) -> None:
    name = declared.get("name")
    require(
        isinstance(name, str) and bool(_NAME.match(name)),
        f"Invalid function name at '{where}.name'. Must start with a letter or an "
        "underscore. Must be alphanumeric, underscores, dots, colons or dashes, with a "
        "maximum length of 128.",
    )
    has_both = "parameters" in declared and "parametersJsonSchema" in declared
    require(
        not has_both,
        f"'{where}': only one of parameters and parameters_json_schema may be set.",
    )
    if isinstance(declared.get("parameters"), dict):
        _schema(declared["parameters"], f"{where}.parameters")


def _schema(schema: dict[str, Any], where: str) -> None:
    """The subset of OpenAPI that `parameters` takes; JSON Schema has a field of its own."""
    for name in schema:
        plain = camel({name: None})
        _known(plain, _SCHEMA, f" at '{where}'")
    inner = list((schema.get("properties") or {}).values())
    inner += [schema["items"]] if isinstance(schema.get("items"), dict) else []
    for found in inner + list(camel(schema).get("anyOf") or ()):
        _schema(found, where)


def _contents(contents: list[Any], model: str, state: State) -> None:
    asked: list[str] = []
    for i, content in enumerate(contents):
        role = content.get("role", "user")
        require(
            role in ("user", "model", "function"),
            "Please use a valid role: user, model.",
        )
        parts = [camel(part) for part in content.get("parts") or ()]
        require(
            bool(parts),
            f"* GenerateContentRequest.contents[{i}].parts: contents.parts must not be "
            "empty.",
        )
        for at, part in enumerate(parts):
            _part(part, role, f"contents[{i}].parts[{at}]", state)
        called = [p["functionCall"]["name"] for p in parts if "functionCall" in p]
        answers = sum("functionResponse" in p for p in parts)
        require(
            answers == len(asked),
            "Please ensure that the number of function response parts is equal to the "
            "number of function call parts of the function call turn.",
        )
        asked = called
    require(
        not asked,
        "Please ensure that function call turn is followed by a function response turn.",
    )
    if models.gemini_checks_signatures(model):
        _signed(contents)


def _part(part: dict[str, Any], role: str, where: str, state: State) -> None:
    _known(part, _PART, f" at '{where}'")
    said = _DATA & set(part)
    require(
        len(said) <= 1,
        f"Invalid value at '{where}' (oneof), oneof field 'data' is already set.",
    )
    require(
        bool(said) or "thoughtSignature" in part,
        f"* GenerateContentRequest.{where}.data: required oneof field 'data' must have one "
        "initialized field",
    )
    is_of_model = bool(
        {"functionCall", "thoughtSignature", "executableCode"} & set(part)
    )
    require(
        role == "model" or not is_of_model,
        "Please ensure that function calls and thought signatures are in a model turn.",
    )
    for kind in ("functionCall", "functionResponse"):
        if kind in part:
            require(
                bool(part[kind].get("name")),
                f"* GenerateContentRequest.{where}.function_call.name: Name cannot be "
                "empty.",
            )
    if "inlineData" in part:
        data = camel(part["inlineData"])
        require(
            bool(data.get("mimeType") and data.get("data")),
            f"Unable to process input at '{where}.inline_data': mime_type and data are "
            "required.",
        )
    signature = part.get("thoughtSignature")
    if signature is not None and signature not in _FOREIGN:
        place = part.get("functionCall", {}).get("name", "")
        require(
            state.is_ours("thought", signature, place),
            "Thought signature is not valid.",
        )


def _signed(contents: list[Any]) -> None:
    """The first call of each step of the turn that is answered must carry its signature."""
    turn: list[list[dict[str, Any]]] = []
    for content in contents:
        parts = [camel(part) for part in content["parts"]]
        is_question = content.get("role", "user") == "user" and not any(
            "functionResponse" in part for part in parts
        )
        turn = [] if is_question else [*turn, parts]
    for parts in turn:
        calls = [part for part in parts if "functionCall" in part]
        if calls and not calls[0].get("thoughtSignature"):
            name = calls[0]["functionCall"]["name"]
            raise Wrong(
                f"Function call is missing a thought_signature in functionCall parts. "
                f"Function call `{name}` is missing a `thought_signature`."
            )
