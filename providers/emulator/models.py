"""The models the emulator pretends to have: names of the vendors' own form."""

from __future__ import annotations

OPENAI = (
    "gpt-6.1-sol", "gpt-6.1-terra", "gpt-6-luna", "gpt-5.5", "gpt-5.4", "gpt-4o-mini",
)  # fmt: skip
OPENAI_OTHER = ("text-embedding-3-small", "whisper-1", "gpt-image-2")
ANTHROPIC = (
    "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-4-6",
    "claude-sonnet-4-6", "claude-haiku-4-5",
)  # fmt: skip
GEMINI = (
    "gemini-4-argon", "gemini-3.8-flash", "gemini-3.7-flash", "gemini-3.5-flash",
    "gemini-2.5-pro", "gemini-2.5-flash",
)  # fmt: skip
COMPATIBLE = ("maestro-demo", "maestro-demo-mini")

CHAT = {
    "openai": OPENAI,
    "anthropic": ANTHROPIC,
    "gemini": GEMINI,
    "compatible": COMPATIBLE,
}

# A page is never longer than this, whatever is asked for: paging must work.
PAGE = 4
