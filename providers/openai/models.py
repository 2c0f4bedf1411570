"""OpenAI's model list: one page of names, everything else from the catalogue.

The list mixes chat, audio, image and embedding models and says of none what it is.
Kept is what the catalogue knows, and what has the name of a chat model: a new one must be
usable on its first day.

Source: https://platform.openai.com/docs/api-reference/models/list
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from providers.errors import ProtocolError
from providers.openai.config import SLUG, is_snapshot, known, reasons
from providers.types import Model

if TYPE_CHECKING:
    from providers.http.client import HttpClient

_CHAT = re.compile(r"(gpt-|o\d|chatgpt-)")
# What has such a name and does not answer on the Responses wire, or not in text.
_OTHER = re.compile(
    r"audio|realtime|transcribe|tts|image|instruct|search|embedding|moderation|live"
)


class OpenAIModels:
    """See `providers.interface.Models`."""

    def list_models(self, client: HttpClient) -> Sequence[Model]:
        """Newest first, dated versions after the names that move on."""
        answer = client.get_json("models")
        rows = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            raise ProtocolError(
                "The model list is not in OpenAI's form. Check the base URL.",
                provider=SLUG,
            )
        named = [row for row in rows if isinstance(row, dict) and _is_chat(row)]
        named.sort(key=lambda row: (is_snapshot(row["id"]), -_created(row), row["id"]))
        return [_model(row) for row in named]


def _is_chat(row: dict[str, Any]) -> bool:
    name = row.get("id")
    if not isinstance(name, str) or not name:
        return False
    if _OTHER.search(name):
        return False
    # A fine-tuned model is `ft:` and the name of the model it was made from.
    return known(name) is not None or bool(_CHAT.match(name.removeprefix("ft:")))


def _created(row: dict[str, Any]) -> int:
    created = row.get("created")
    return created if isinstance(created, int) else 0


def _model(row: dict[str, Any]) -> Model:
    name: str = row["id"]
    facts = known(name) or Model(id=name)
    label = facts.label if facts.id == name else ""
    return msgspec.structs.replace(
        facts,
        id=name,
        label=label or name,
        reasons=reasons(name),  # an effort is sent to these only
        deprecated=facts.deprecated or bool(row.get("shutdown_date")),
    )
