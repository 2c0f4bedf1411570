"""Model lists of ChatGPT plans: `{models: […]}`, in the server's order.

Source: codex-rs/codex-api/src/endpoint/models.rs in https://github.com/openai/codex;
https://developers.openai.com/siwc/ (models and inference).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from providers.errors import ProtocolError
from providers.openai.config import SLUG, known
from providers.types import Model

if TYPE_CHECKING:
    from providers.http.client import HttpClient

# The backend hides models from clients older than they are. We show nothing that needs a
# certain client, so we ask for all of them.
_CLIENT_VERSION = "99.0.0"


class PlanModels:
    """See `providers.interface.Models`."""

    def __init__(self, params: dict[str, str]) -> None:
        self._params = params

    def list_models(self, client: HttpClient) -> Sequence[Model]:
        """What the plan may use. Raises ProviderError."""
        answer = client.get_json("models", self._params)
        rows = answer.get("models") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            raise ProtocolError(
                "The model list is not in ChatGPT's form.", provider=SLUG
            )
        return [_model(row) for row in rows if _is_listed(row)]


CHATGPT_MODELS = PlanModels({"client_version": _CLIENT_VERSION})
SIWC_MODELS = PlanModels({})


def _is_listed(row: Any) -> bool:
    if not isinstance(row, dict) or not isinstance(row.get("slug"), str):
        return False
    return bool(row["slug"]) and row.get("visibility", "list") == "list"


def _model(row: dict[str, Any]) -> Model:
    slug: str = row["slug"]
    facts = known(slug) or Model(id=slug, abilities=frozenset({"tools"}))
    abilities = set(facts.abilities)
    levels = row.get("supported_reasoning_levels")
    if levels:
        abilities.add("reasoning")
    if "image" in (row.get("input_modalities") or []):
        abilities.add("images")
    window = row.get("context_window") or row.get("max_context_window")
    return msgspec.structs.replace(
        facts,
        id=slug,
        label=_text(row.get("display_name")) or facts.label or slug,
        context_window=window if isinstance(window, int) else facts.context_window,
        abilities=frozenset(abilities),
        reasons=facts.reasons if levels is None else bool(levels),
        price=None,  # the plan pays
        price_date="",
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
