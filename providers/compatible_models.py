"""The model lists of OpenAI-compatible servers, each with extras of its own.

    {"data": [{"id", …}]}          everybody
      context_length, pricing, …   OpenRouter
      max_model_len                vLLM
      meta.n_ctx                   llama.cpp
      context_window               Groq
      max_context_length, …        Mistral, LM Studio (/api/v0/models)

Nothing is guessed: what a server does not say stays unknown.

Source: the pages named in the vendors' folders, and lists that such servers sent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from providers.errors import ProtocolError, ProviderError
from providers.http.urls import origin
from providers.types import Model, Price

if TYPE_CHECKING:
    from providers.http.client import HttpClient

_SIZES = ("context_length", "max_model_len", "context_window", "max_context_length")
_NOT_CHAT = re.compile(
    r"(^|[/_.:-])(whisper|tts|embed|embedding|embeddings|rerank|reranker|moderation)"
    r"($|[/_.:-])",
    re.IGNORECASE,
)
_NOT_CHAT_TYPES = frozenset(
    {"embedding", "embeddings", "image", "moderation", "rerank"}
)
_TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CompatibleModels:
    """See `providers.interface.Models`."""

    path: str = "models"

    def list_models(self, client: HttpClient) -> Sequence[Model]:
        """In the server's order. Empty where the server has no list: type the name."""
        if self.path.startswith("/"):
            try:
                return _models(client.get_json(origin(client.base_url) + self.path))
            except ProviderError as exc:
                # An older server, or another one at that address; the plain list
                # tells what is wrong where something is.
                if exc.status not in (400, 403, 404, 405, 501):
                    raise
        try:
            plain = "models" if self.path.startswith("/") else self.path
            return _models(client.get_json(plain))
        except ProviderError as exc:
            if exc.status in (404, 405, 501):
                return []
            raise


def _models(answer: Any) -> list[Model]:
    rows = answer.get("data") if isinstance(answer, dict) else answer
    if not isinstance(rows, list):
        raise ProtocolError(
            "The model list is not in a known form. Check the base URL."
        )
    today = datetime.now(UTC).date().isoformat()
    return [
        _model(row, today) for row in rows if isinstance(row, dict) and _is_chat(row)
    ]


def _is_chat(row: dict[str, Any]) -> bool:
    name = row.get("id")
    if not isinstance(name, str) or not name or row.get("active") is False:
        return False
    if row.get("type") in _NOT_CHAT_TYPES or _NOT_CHAT.search(name):
        return False
    if _object(row, "capabilities").get("completion_chat") is False:
        return False
    makes = _object(row, "architecture").get("output_modalities")
    return not isinstance(makes, list) or "text" in makes


def _model(row: dict[str, Any], today: str) -> Model:
    sizes = [_positive(row.get(name)) for name in _SIZES]
    sizes.append(_positive(_object(row, "meta").get("n_ctx")))
    outputs = (
        _positive(_object(row, "top_provider").get("max_completion_tokens")),
        _positive(row.get("max_completion_tokens")),
    )
    price = _price(_object(row, "pricing"))
    label = row.get("name")
    return Model(
        id=row["id"],
        label=label if isinstance(label, str) and label else row["id"],
        context_window=next((size for size in sizes if size), None),
        max_output_tokens=next((size for size in outputs if size), None),
        abilities=_abilities(row),
        reasons=_reasons(row),
        price=price,
        price_date=today if price else "",
        deprecated=bool(row.get("deprecation") or row.get("expiration_date")),
    )


def _abilities(row: dict[str, Any]) -> frozenset[str]:
    found = set()
    takes = row.get("supported_parameters")
    if isinstance(takes, list):
        found |= {name for name in ("tools", "reasoning") if name in takes}
        if "structured_outputs" in takes:
            found.add("schema")
    inputs = _object(row, "architecture").get("input_modalities")
    if isinstance(inputs, list):
        found |= {f"{kind}s" for kind in ("image", "file") if kind in inputs}
    can = _object(row, "capabilities")
    listed = row.get("capabilities")  # LM Studio has a list, Mistral an object
    if can.get("function_calling") or (
        isinstance(listed, list) and "tool_use" in listed
    ):
        found.add("tools")
    if can.get("vision") or row.get("type") == "vlm":
        found.add("images")
    return frozenset(found)


def _reasons(row: dict[str, Any]) -> bool | None:
    """Only a list of parameters says it; other servers name abilities and not this one."""
    takes = row.get("supported_parameters")
    return "reasoning" in takes if isinstance(takes, list) else None


def _price(pricing: dict[str, Any]) -> Price | None:
    """OpenRouter: USD per token, as strings; -1 where it depends on the route."""
    given, made = _usd(pricing.get("prompt")), _usd(pricing.get("completion"))
    if given is None or made is None:
        return None
    tiers = pricing.get("overrides")
    first = tiers[0] if isinstance(tiers, list) and tiers else None
    above = first if isinstance(first, dict) else {}
    tier = _price(above)
    return Price(
        input=given,
        output=made,
        cached_input=_usd(pricing.get("input_cache_read")),
        cache_write=_usd(pricing.get("input_cache_write")),
        above_tokens=_positive(above.get("min_prompt_tokens")) if tier else None,
        tier=tier,
    )


def _usd(per_token: Any) -> float | None:
    """USD per million tokens, None for what is no price."""
    try:
        price = float(per_token)
    except (TypeError, ValueError, OverflowError):
        return None
    return round(price * _TOKENS_PER_PRICE, 6) if 0 <= price < 1 else None


def _object(row: dict[str, Any], name: str) -> dict[str, Any]:
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def _positive(value: Any) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and value > 0 else None
