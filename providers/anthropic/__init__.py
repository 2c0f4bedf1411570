"""Anthropic: API keys and logins, the Messages dialect, its own model list.

Source: https://platform.claude.com/docs/en/api/overview
"""

from __future__ import annotations

from providers.anthropic.api_key import AnthropicApiKey
from providers.anthropic.config import API_VERSION, BASE_URL, ENV_NAMES, SLUG
from providers.anthropic.imports import AnthropicImports
from providers.anthropic.models import AnthropicModels
from providers.anthropic.oauth import AnthropicOAuth
from providers.anthropic.streaming import AnthropicStreaming
from providers.interface import Provider

provider = Provider(
    slug=SLUG,
    label="Anthropic",
    dialect="anthropic_messages",
    base_url=BASE_URL,
    streaming=AnthropicStreaming(),
    models=AnthropicModels(),
    api_key=AnthropicApiKey(),
    oauth=AnthropicOAuth(),
    imports=AnthropicImports(),
    headers={"anthropic-version": API_VERSION},
    key_hint="sk-ant-api03-…",
    default_model="claude-sonnet-5-5",
    notes="Use an API key from the Claude Console: Anthropic does not allow other "
    "products to sign in with a Claude subscription.",
    env_names=ENV_NAMES,
    # It names a wait for every rate; none means the tier's monthly budget.
    quota_without_wait=True,
)
