"""What is wrong with a call as a model declared it: its intent, and its arguments by the
tool's own schema. Pure; in words for the model. Called by `intents.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from context_app.models.intent import Purpose, Risk
from context_app.tools.base import Tool

INTENT = "intent"
MAX_SCOPE = 1000


def wrong_in(declared: Mapping[str, Any]) -> list[str]:
    """What is wrong with an intent itself."""
    wrong = [
        f"`{field}` must be one of {', '.join(allowed)}"
        for field, allowed in (("purpose", Purpose.values), ("risk_level", Risk.values))
        if declared.get(field) not in allowed
    ]
    scope = declared.get("scope")
    if not isinstance(scope, str) or len(scope.strip()) < 3:
        wrong.append("`scope` must be a sentence that names what is touched")
    elif len(scope) > MAX_SCOPE:
        wrong.append(f"`scope` has at most {MAX_SCOPE} characters")
    return wrong


def missing(tool: Tool, arguments: Mapping[str, Any]) -> list[str]:
    """The tool's own schema, as far as a sentence can say: required and known names."""
    properties = tool.parameters.get("properties", {})
    wrong = [
        f"`{name}` is missing"
        for name in tool.parameters.get("required", [])
        if name not in arguments
    ]
    unknown = sorted(set(arguments) - set(properties) - {INTENT})
    if unknown and tool.parameters.get("additionalProperties") is False:
        wrong.append(f"there is no {', '.join(f'`{name}`' for name in unknown)}")
    wrong += [
        f"`{name}` must be a {properties[name]['type']}"
        for name in sorted(set(arguments) & set(properties))
        if not _has_type(arguments[name], properties[name].get("type"))
    ]
    return wrong


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _has_type(value: Any, wanted: Any) -> bool:
    if not isinstance(wanted, str) or wanted not in _TYPES:
        return True
    if isinstance(value, bool) and wanted != "boolean":
        return False
    return isinstance(value, _TYPES[wanted])
