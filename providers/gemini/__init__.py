"""Gemini: API keys and logins, the generateContent dialect, its own model list.

Source: https://ai.google.dev/api
"""

from __future__ import annotations

from providers.gemini.api_key import GeminiApiKey
from providers.gemini.config import BASE_URL, ENV_NAMES, SLUG
from providers.gemini.imports import GeminiImports
from providers.gemini.models import GeminiModels
from providers.gemini.oauth import GeminiOAuth
from providers.gemini.streaming import GeminiStreaming
from providers.interface import Provider

provider = Provider(
    slug=SLUG,
    label="Gemini",
    dialect="gemini_generate",
    base_url=BASE_URL,
    streaming=GeminiStreaming(),
    models=GeminiModels(),
    api_key=GeminiApiKey(),
    oauth=GeminiOAuth(),
    imports=GeminiImports(),
    key_hint="AQ.… (older keys: AIza…)",
    default_model="gemini-3.8-flash",
    env_names=ENV_NAMES,
)
