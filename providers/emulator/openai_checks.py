"""What OpenAI refuses in both of its wires, so that a wrong encoder shows.

Source: openai-python `types/responses/*_params.py`, `types/chat/*_params.py`; the API's
own words for what it refuses
"""

from __future__ import annotations

import re
from typing import Any

from providers.emulator import models
from providers.emulator.wire import Wrong, require

EFFORTS = {"none", "minimal", "low", "medium", "high", "xhigh", "max"}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")


def known_fields(body: dict[str, Any], known: set[str]) -> None:
    """Raises Wrong for a parameter that does not exist."""
    for name in body:
        require(
            name in known,
            f"Unknown parameter: '{name}'.",
            param=name,
            code="unknown_parameter",
        )


def one_of(value: Any, known: set[str], param: str) -> None:
    """Raises Wrong for a word that the vendor does not know."""
    if value not in known:
        words = ", ".join(f"'{word}'" for word in sorted(known))
        raise Wrong(
            f"Invalid value: '{value}'. Supported values are: {words}.",
            param=param,
            code="invalid_value",
        )


def needed(holder: Any, name: str, param: str) -> Any:
    """The value of a field that must be there. Raises Wrong."""
    require(
        isinstance(holder, dict) and holder.get(name) is not None,
        f"Missing required parameter: '{param}'.",
        param=param,
        code="missing_required_parameter",
    )
    return holder[name]


def sampling(body: dict[str, Any], effort: Any) -> None:
    """Raises Wrong for sampling where the model reasons."""
    if not models.is_reasoning(str(body.get("model"))) or effort == "none":
        return
    for name in ("temperature", "top_p"):
        require(
            body.get(name) is None,
            f"Unsupported parameter: '{name}' is not supported with this model.",
            param=name,
            code="unsupported_parameter",
        )


def function(declared: Any, where: str) -> None:
    """Raises Wrong for a tool that cannot be."""
    name = needed(declared, "name", f"{where}.name")
    require(
        isinstance(name, str) and bool(_NAME.match(name)),
        f"Invalid '{where}.name': string does not match pattern. Expected a string that "
        "matches the pattern '^[a-zA-Z0-9_-]+$'.",
        param=f"{where}.name",
        code="invalid_value",
    )
    schema = declared.get("parameters")
    if declared.get("strict") and isinstance(schema, dict):
        wrong = _not_strict(schema)
        require(
            not wrong,
            f"Invalid schema for function '{name}': In context=(), {wrong}",
            param=f"{where}.parameters",
            code="invalid_function_parameters",
        )


def _not_strict(schema: dict[str, Any]) -> str:
    if schema.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    lacks = set(schema.get("properties") or ()) - set(schema.get("required") or ())
    if lacks:
        return (
            "'required' is required to be supplied and to be an array including every key "
            f"in properties. Missing '{min(lacks)}'."
        )
    return ""
