"""OpenAI: API keys and logins, the Responses dialect, its own model list.

Source: https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

from providers.interface import Provider
from providers.openai.api_key import OpenAIApiKey
from providers.openai.config import BASE_URL, ENV_NAMES, LABEL, SLUG
from providers.openai.imports import OpenAIImports
from providers.openai.models import OpenAIModels
from providers.openai.oauth import OpenAIOAuth
from providers.openai.streaming import OpenAIStreaming

provider = Provider(
    slug=SLUG,
    label=LABEL,
    dialect="openai_responses",
    base_url=BASE_URL,
    streaming=OpenAIStreaming(),
    models=OpenAIModels(),
    api_key=OpenAIApiKey(),
    oauth=OpenAIOAuth(),
    imports=OpenAIImports(),
    key_hint="sk-…",
    default_model="gpt-6.1-terra",
    env_names=ENV_NAMES,
)
