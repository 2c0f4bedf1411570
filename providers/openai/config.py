"""Facts about OpenAI that its other modules share.

Source: `openai/_client.py` of the official SDK (address, environment names), and the model
pages for which models reason.
"""

from __future__ import annotations

import re

from providers import catalogue
from providers.types import Model

SLUG = "openai"
LABEL = "OpenAI"
BASE_URL = "https://api.openai.com/v1"
CHATGPT_URL = "https://chatgpt.com/backend-api/codex"
ISSUER = "https://auth.openai.com"
# The public client of OpenAI's own command line program; a team may set another.
CODEX_CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann"
KEY_URL = "https://platform.openai.com/api-keys"
ENV_NAMES = {
    "api_key": "OPENAI_API_KEY",
    "base_url": "OPENAI_BASE_URL",
    "organization": "OPENAI_ORG_ID",
    "project": "OPENAI_PROJECT_ID",
}

# `gpt-5.4-2026-03-05` is `gpt-5.4` as it was on that day.
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}\Z")
_NO_REASONING = re.compile(r"(gpt-3|gpt-4|chatgpt-)|.*chat-latest\Z")


def is_snapshot(model_id: str) -> bool:
    """Whether the name is a dated version of another one."""
    return bool(_SNAPSHOT.search(model_id))


def known(model_id: str) -> Model | None:
    """What the catalogue knows of a model, by its own name or without its date."""
    return catalogue.lookup(SLUG, model_id)


def reasons(model_id: str) -> bool:
    """Whether a model takes reasoning controls; the others refuse them with 400.

    The catalogue knows; for a model it does not know the name decides, and a name we have
    never seen is a new model, which reasons.
    """
    found = known(model_id)
    if found is not None and found.abilities:
        return "reasoning" in found.abilities
    return not _NO_REASONING.match(model_id)
