"""A server's JSON Schema in the words that all vendors take. Pure.

Vendors differ in what they allow below a tool's parameters, and refuse the whole request
for one keyword too many: no composition at the top (OpenAI, Anthropic), no `allOf`, `not`,
`if`, `patternProperties` (OpenAI, Gemini), no lengths (Anthropic), property names of 64
plain characters (Anthropic). So a schema is built anew from what all know; what that loses
is said in words. References are followed inside the schema only, never fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 8
MAX_NODES = 400
MAX_DESCRIPTION = 500
MAX_ENUM = 200
_TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
_KEPT = ("minimum", "maximum", "minItems", "maxItems")
_SAID = ("pattern", "minLength", "maxLength", "format", "multipleOf", "default",
         "exclusiveMinimum", "exclusiveMaximum", "uniqueItems")  # fmt: skip
_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
                        r"\ud800-\udfff\U000e0000-\U000e007f]")  # fmt: skip

Schema = dict[str, Any]


def plain(text: object, limit: int) -> str:
    """A stranger's words in one line, without what nobody sees, cut."""
    words = " ".join(_INVISIBLE.sub(" ", text).split()) if isinstance(text, str) else ""
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def parameters(
    schema: object, reserved: frozenset[str] = frozenset()
) -> tuple[Schema, dict[str, str]]:
    """(an object schema for all vendors, our name → the server's name of a parameter).

    Parameters whose names no vendor takes, or which are `reserved`, get another one.
    """
    given: Mapping[str, Any] = schema if isinstance(schema, Mapping) else {}
    reader = _Reader(given)
    given = reader.resolved(given)
    found = reader.properties(given, depth=0, is_top=True)
    names: dict[str, str] = {}
    properties: Schema = {}
    for name, value in found["properties"].items():
        own = _own_name(name, reserved, {*found["properties"], *properties})
        names[own] = name
        properties[own] = value
    back = {theirs: own for own, theirs in names.items()}
    found["properties"] = properties
    found["required"] = [back[name] for name in found["required"]]
    if given.get("additionalProperties") is False:
        found["additionalProperties"] = False
    return found, names


class _Reader:
    """Builds the new schema, bounded in depth and size."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._nodes = 0
        self._open: list[str] = []

    def resolved(self, schema: object) -> Mapping[str, Any]:
        """Local references replaced by what they name; others by nothing."""
        for _ in range(MAX_DEPTH):
            if not isinstance(schema, Mapping):
                return {}
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema
            beside = {name: v for name, v in schema.items() if name != "$ref"}
            schema = {**self._local(reference), **beside}
        return {}

    def properties(
        self, schema: Mapping[str, Any], depth: int, *, is_top: bool
    ) -> Schema:
        """`properties` and `required` of an object, with those of its `allOf`."""
        inside: Schema = {}
        required: list[str] = []
        parts = schema.get("allOf")
        for part in [schema, *(parts if isinstance(parts, list) else [])][:20]:
            one = self.resolved(part)
            given = one.get("properties")
            for name, value in (given if isinstance(given, Mapping) else {}).items():
                if name not in inside and (is_top or _NAME.fullmatch(name)):
                    inside[name] = self.any(value, depth + 1)
            needed = one.get("required")
            required += needed if isinstance(needed, list) else []
        found: Schema = {"type": "object", "properties": inside}
        wanted = [name for name in inside if name in required]
        if wanted or is_top:
            found["required"] = wanted
        return found

    def any(self, schema: object, depth: int) -> Schema:
        """Any schema below the top."""
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            return {}
        given = self.resolved(schema)
        found = self._choice(given, depth) or self._typed(given, depth)
        words = _words(given, MAX_DESCRIPTION)
        return {**found, "description": words} if words else found

    def _typed(self, given: Mapping[str, Any], depth: int) -> Schema:
        kind = given.get("type")
        if isinstance(kind, list):
            kinds = [one for one in kind if one in _TYPES]
            if len(kinds) > 1:
                options = [{**given, "type": one, "description": ""} for one in kinds]
                return {"anyOf": [self.any(one, depth + 1) for one in options]}
            kind = kinds[0] if kinds else None
        values = [given["const"]] if "const" in given else given.get("enum")
        if isinstance(values, list) and values and kind not in ("object", "array"):
            return _enum(values, kind)
        if kind == "object" or "properties" in given or "allOf" in given:
            return self._inner_object(given, depth)
        found: Schema = {"type": kind} if kind in _TYPES else {}
        if kind == "array" or "items" in given:
            items = given.get("items")
            found = {"type": "array", "items": self.any(items, depth + 1)}
        for name in _KEPT:
            value = given.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                found[name] = value
        return found

    def _inner_object(self, given: Mapping[str, Any], depth: int) -> Schema:
        found = self.properties(given, depth, is_top=False)
        extra = given.get("additionalProperties")
        if extra is False and found["properties"]:
            found["additionalProperties"] = False
        elif isinstance(extra, Mapping) and extra:
            found["additionalProperties"] = self.any(extra, depth + 1)
        return found

    def _choice(self, given: Mapping[str, Any], depth: int) -> Schema:
        """`anyOf`, which `oneOf` becomes too; {} when there is none."""
        options = given.get("anyOf") or given.get("oneOf")
        if not isinstance(options, list) or not options:
            return {}
        found = [self.any(option, depth + 1) for option in options[:20]]
        return found[0] if len(found) == 1 else {"anyOf": found}

    def _local(self, reference: str) -> Mapping[str, Any]:
        """What `#/…` names; {} for another document (S-46) or nothing."""
        if not reference.startswith("#"):
            return {}
        found: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}


def _enum(values: list[Any], kind: object) -> Schema:
    """Vendors take texts and numbers here."""
    kept = [v for v in values if isinstance(v, str | int | float)][:MAX_ENUM]
    kept = [v for v in kept if not isinstance(v, bool)]
    if not kept:
        return {"type": kind} if kind in _TYPES else {}
    is_text = all(isinstance(v, str) for v in kept)
    if not is_text and any(isinstance(v, str) for v in kept):
        return {}
    plain_kind = kind if kind in ("string", "number", "integer") else "number"
    return {"type": "string" if is_text else plain_kind, "enum": kept}


def _words(given: Mapping[str, Any], limit: int) -> str:
    """The description, with the rules that no vendor would take as keywords."""
    rules = [
        f"{name}: {plain(json.dumps(given[name], default=str)[:100], 80)}"
        for name in _SAID
        if name in given and isinstance(given[name], str | int | float | bool)
    ]
    said = plain(given.get("description") or given.get("title"), limit - 150)
    return plain(f"{said} ({'; '.join(rules)})" if rules else said, limit)


def _own_name(name: str, reserved: frozenset[str], taken: set[str]) -> str:
    if _NAME.fullmatch(name) and name not in reserved:
        return name
    base = re.sub(r"[^a-zA-Z0-9_.-]", "_", name)[:56] or "parameter"
    own, number = f"{base}_", 2
    while own in taken or own in reserved:
        own, number = f"{base}_{number}", number + 1
    return own
