"""What vendors refuse in the schema of an answer, so that one that suits only some shows.

OpenAI     strict: every property required, no further ones, the root an object
Anthropic  no further properties, no limits on numbers or lengths, at most 16 unions
Gemini     keywords outside the list are refused here, where the vendor may ignore them

Source: developers.openai.com "Structured Outputs", platform.claude.com "Structured outputs"
(JSON Schema limitations), python-genai `types.py` (`response_json_schema`)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from providers.emulator.wire import require

_LIMITS = {
    "exclusiveMaximum", "exclusiveMinimum", "maximum", "maxItems", "maxLength",
    "minimum", "minLength", "multipleOf", "uniqueItems",
}  # fmt: skip
_GEMINI = {
    "$anchor", "$defs", "$id", "$ref", "additionalProperties", "anyOf", "description",
    "enum", "format", "items", "maximum", "maxItems", "minimum", "minItems", "oneOf",
    "prefixItems", "properties", "propertyOrdering", "required", "title", "type",
}  # fmt: skip
_OPENAI_NOT = {"allOf", "dependentRequired", "if", "not", "oneOf", "patternProperties"}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")


def openai(named: Any, where: str) -> None:
    """Raises Wrong. `named`: `{"name", "schema", "strict"}` of either wire."""
    name = named.get("name") if isinstance(named, dict) else None
    require(
        isinstance(name, str) and bool(_NAME.match(name)),
        f"Missing required parameter: '{where}.name'.",
        param=f"{where}.name",
        code="missing_required_parameter",
    )
    if not named.get("strict"):
        return
    schema = named.get("schema")
    root = schema.get("type") if isinstance(schema, dict) else None
    _openai(root == "object", name, where, "schema must be a JSON Schema of 'object'.")
    for path, part in _parts(schema):
        if part.get("type") == "object" or "properties" in part:
            _openai(
                part.get("additionalProperties") is False,
                name,
                where,
                f"In context={path}, 'additionalProperties' is required to be supplied "
                "and to be false.",
            )
            lacks = set(part.get("properties") or ()) - set(part.get("required") or ())
            _openai(
                not lacks,
                name,
                where,
                f"In context={path}, 'required' is required to be supplied and to be an "
                "array including every key in properties. Missing "
                f"'{min(lacks, default='')}'.",
            )
        unknown = _OPENAI_NOT & set(part)
        _openai(
            not unknown,
            name,
            where,
            f"In context={path}, '{min(unknown, default='')}' is not permitted.",
        )


def _openai(claim: bool, name: Any, where: str, wrong: str) -> None:
    require(
        claim,
        f"Invalid schema for response_format '{name}': {wrong}",
        param=f"{where}.schema",
        code="invalid_json_schema",
    )


def anthropic(form: Any) -> None:
    """Raises Wrong. `form`: `output_config.format`."""
    where = "output_config.format"
    require(
        isinstance(form, dict) and form.get("type") == "json_schema",
        f"{where}.type: Input should be 'json_schema'",
    )
    require(isinstance(form.get("schema"), dict), f"{where}.schema: Field required")
    unions = 0
    for _, part in _parts(form["schema"]):
        unions += "anyOf" in part or isinstance(part.get("type"), list)
        if part.get("type") == "object":
            require(
                part.get("additionalProperties") is False,
                f"{where}.schema: For 'object' type, 'additionalProperties' must be "
                "explicitly set to false",
            )
        refused = _LIMITS & set(part)
        require(
            not refused,
            f"{where}.schema: For '{part.get('type')}' type, property "
            f"'{min(refused, default='')}' is not supported",
        )
    require(unions <= 16, f"{where}.schema: Schema is too complex.")


def gemini(config: dict[str, Any]) -> None:
    """Raises Wrong. `config`: the generation config in camel case."""
    schema = config.get("responseJsonSchema")
    if schema is None:
        return
    require(
        config.get("responseSchema") is None,
        "Only one of response_schema and response_json_schema may be set.",
    )
    require(
        config.get("responseMimeType") == "application/json",
        "Response schema is only supported with mime type 'application/json'.",
    )
    for path, part in _parts(schema):
        unknown = set(part) - _GEMINI
        require(
            not unknown,
            "Invalid JSON payload received. Unknown name "
            f'"{min(unknown, default="")}" at '
            f"'generation_config.response_json_schema{path}': Cannot find field.",
        )


def _parts(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The schema and every schema inside it, each with its place."""
    if not isinstance(schema, dict):
        return
    yield path or "()", schema
    for holder in ("properties", "$defs"):
        for name, inner in (schema.get(holder) or {}).items():
            yield from _parts(inner, f"{path}.{name}")
    yield from _parts(schema.get("items"), f"{path}[]")
    for inner in schema.get("anyOf") or ():
        yield from _parts(inner, path)
