"""Which vendor's origin is served below which path: what a rerouting client asks for.

The folders are those of `routes.py`; docs/emulator.md shows the same table.
"""

from __future__ import annotations

ORIGINS = {
    "https://api.openai.com": "/openai",
    "https://auth.openai.com": "/openai-auth",
    "https://chatgpt.com": "/chatgpt",
    "https://api.anthropic.com": "/anthropic",
    "https://platform.claude.com": "/anthropic-auth",
    "https://claude.ai": "/claude-ai",
    "https://generativelanguage.googleapis.com": "/gemini",
    "https://accounts.google.com": "/google-accounts",
    "https://oauth2.googleapis.com": "/google-oauth",
}
