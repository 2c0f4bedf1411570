"""The models the emulator pretends to have: names of the vendors' own form, and one demo.

Sources: the vendors' model pages of 2026-11; for how a Claude model thinks
https://platform.claude.com/docs/en/build-with-claude/thinking
"""

from __future__ import annotations

OPENAI = (
    "gpt-6.1-sol", "gpt-6.1-terra", "gpt-6-luna", "gpt-5.5", "gpt-5.4", "gpt-4o-mini",
    "gpt-maestro-demo",
)  # fmt: skip
OPENAI_OTHER = ("text-embedding-3-small", "whisper-1", "gpt-image-2")
ANTHROPIC = (
    "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-4-6",
    "claude-sonnet-4-6", "claude-haiku-4-5", "claude-maestro-demo",
)  # fmt: skip
GEMINI = (
    "gemini-4-argon", "gemini-3.8-flash", "gemini-3.7-flash", "gemini-3.5-flash",
    "gemini-2.5-pro", "gemini-2.5-flash", "gemini-maestro-demo",
)  # fmt: skip
GEMINI_OTHER = ("gemini-embedding-2",)
# What a ChatGPT plan has behind the Codex client's address, and what its list hides.
CHATGPT = (
    "gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna", "gpt-5.5", "gpt-5.4",
    "gpt-5.4-mini", "gpt-5.3-codex-spark", "gpt-maestro-demo",
)  # fmt: skip
CHATGPT_HIDDEN = ("gpt-5.2-codex",)
COMPATIBLE = ("maestro-demo", "maestro-demo-mini")

CHAT = {
    "openai": OPENAI,
    "anthropic": ANTHROPIC,
    "gemini": GEMINI,
    "compatible": COMPATIBLE,
}

# A page is never longer than this, whatever is asked for: paging must work.
PAGE = 4

CLAUDE_OUTPUT_TOKENS = 128_000


def claude_thinking(model: str) -> frozenset[str]:
    """The `thinking.type` words a Claude model takes."""
    if "-4-5" in model:
        return frozenset({"enabled", "disabled"})
    if "-4-6" in model:
        return frozenset({"adaptive", "enabled", "disabled"})
    if "opus-5-5" in model:
        return frozenset({"adaptive"})
    return frozenset({"adaptive", "disabled"})


def claude_hides_thinking(model: str) -> bool:
    """Whether `display` is `omitted` unless asked otherwise, as on current models."""
    return "-4-5" not in model and "-4-6" not in model


def claude_takes_prefill(model: str) -> bool:
    """Whether the last message may be the assistant's; not from Claude 4.6 on."""
    return "-4-5" in model


def is_reasoning(model: str) -> bool:
    """Whether an OpenAI model refuses sampling and the old name of the token limit."""
    return model.startswith("gpt-6")


def gemini_checks_signatures(model: str) -> bool:
    """Whether a function call must come back with its signature; 2.5 does not look."""
    return "-2.5-" not in model
