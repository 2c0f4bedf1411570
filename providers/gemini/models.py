"""Gemini's model list: pages of models with their sizes; prices are ours.

The list mixes chat, speech, image, music and embedding models. Kept is what answers
`generateContent`, and of that what answers in text.

Source: https://ai.google.dev/api/models, google/genai/types.py (Model)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from providers import catalogue
from providers.errors import ProtocolError
from providers.gemini.config import API_VERSION, SLUG, plain
from providers.types import Model

if TYPE_CHECKING:
    from providers.http.client import HttpClient

_PAGE_SIZE = 1000
_MAX_PAGES = 50  # a list without end is a fault, not a list

# They answer on the same wire, but not in text, or not without a tool of their own.
_OTHER = re.compile(
    r"-tts|-image|-audio|-live|lyria|veo|imagen|embedding|computer-use|robotics"
    r"|deep-research|nano-banana|omni|antigravity"
)
_FAMILY = re.compile(r"gemini-(\d+(?:\.\d+)?)-")


class GeminiModels:
    """See `providers.interface.Models`."""

    def list_models(self, client: HttpClient) -> Sequence[Model]:
        """Newest family first; what has no number in its name comes last."""
        rows: list[dict[str, Any]] = []
        token = ""
        for _ in range(_MAX_PAGES):
            size = {"pageSize": str(_PAGE_SIZE)}
            params = size | ({"pageToken": token} if token else {})
            page = client.get_json(f"{API_VERSION}/models", params)
            if not isinstance(page, dict) or not isinstance(page.get("models"), list):
                raise ProtocolError(
                    "The model list is not in Gemini's form. Check the base URL.",
                    provider=SLUG,
                )
            rows += [row for row in page["models"] if isinstance(row, dict)]
            following = page.get("nextPageToken")
            if not isinstance(following, str) or not following or following == token:
                break
            token = following
        models = [_model(row) for row in rows if _is_chat(row)]
        return sorted(models, key=lambda model: -_family(model.id))


def _is_chat(row: dict[str, Any]) -> bool:
    name, methods = row.get("name"), row.get("supportedGenerationMethods")
    if not isinstance(name, str) or not isinstance(methods, list):
        return False
    return "generateContent" in methods and not _OTHER.search(name)


def _family(model_id: str) -> float:
    found = _FAMILY.match(model_id)
    return float(found[1]) if found else 0.0


def _model(row: dict[str, Any]) -> Model:
    """What the vendor says counts; the catalogue fills in what it leaves out."""
    name = plain(row["name"])
    facts = catalogue.lookup(SLUG, name) or Model(id=name)
    abilities = facts.abilities
    thinks = row.get("thinking")
    if thinks is True:
        abilities |= {"reasoning"}
    label = row.get("displayName")
    return msgspec.structs.replace(
        facts,
        id=name,
        label=label if isinstance(label, str) and label else facts.label or name,
        context_window=_size(row.get("inputTokenLimit")) or facts.context_window,
        max_output_tokens=_size(row.get("outputTokenLimit")) or facts.max_output_tokens,
        abilities=abilities,
        reasons=thinks if isinstance(thinks, bool) else facts.reasons,
    )


def _size(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
