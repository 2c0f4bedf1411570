"""Anthropic's model list: pages of models that say what they can; prices are ours.

Source: https://platform.claude.com/docs/en/api/models/list and
anthropic/types/model_info.py, model_capabilities.py
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from providers import catalogue
from providers.anthropic.config import SLUG
from providers.errors import ProtocolError
from providers.types import Model

if TYPE_CHECKING:
    from providers.http.client import HttpClient

_PAGE_SIZE = 1000  # the vendor's maximum
_MAX_PAGES = 50  # a list without end is a fault, not a list

_ABILITIES = {
    "image_input": "images",
    "pdf_input": "files",
    "thinking": "reasoning",
    "structured_outputs": "schema",
}


class AnthropicModels:
    """See `providers.interface.Models`."""

    def list_models(self, client: HttpClient) -> Sequence[Model]:
        """In the vendor's order, newest first. Retired models are left out."""
        rows: list[dict[str, Any]] = []
        after = ""
        for _ in range(_MAX_PAGES):
            params = {"limit": str(_PAGE_SIZE)} | ({"after_id": after} if after else {})
            page = client.get_json("v1/models", params)
            if not isinstance(page, dict) or not isinstance(page.get("data"), list):
                raise ProtocolError(
                    "The model list is not in Anthropic's form. Check the base URL.",
                    provider=SLUG,
                )
            rows += [row for row in page["data"] if isinstance(row, dict)]
            last = page.get("last_id")
            if not page.get("has_more") or not isinstance(last, str) or last == after:
                break
            after = last
        return [
            _model(row)
            for row in rows
            if isinstance(row.get("id"), str) and row.get("lifecycle") != "retired"
        ]


def _model(row: dict[str, Any]) -> Model:
    """What the vendor says counts; the catalogue fills in what it leaves out."""
    name: str = row["id"]
    facts = catalogue.lookup(SLUG, name) or Model(id=name)
    capabilities = row.get("capabilities")
    abilities, reasons = facts.abilities, facts.reasons
    if isinstance(capabilities, dict):
        said = {
            ours for theirs, ours in _ABILITIES.items() if _can(capabilities, theirs)
        }
        abilities = frozenset({"tools", *said})  # every Claude model takes tools
        if "thinking" in capabilities:
            reasons = "reasoning" in said
    label = row.get("display_name")
    return msgspec.structs.replace(
        facts,
        id=name,
        label=label if isinstance(label, str) and label else facts.label or name,
        context_window=_size(row.get("max_input_tokens")) or facts.context_window,
        max_output_tokens=_size(row.get("max_tokens")) or facts.max_output_tokens,
        abilities=abilities,
        reasons=reasons,
        deprecated=facts.deprecated or row.get("lifecycle") == "deprecated",
    )


def _can(capabilities: dict[str, Any], name: str) -> bool:
    said = capabilities.get(name)
    return isinstance(said, dict) and said.get("supported") is True


def _size(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
