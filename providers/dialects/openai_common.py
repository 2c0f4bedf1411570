"""What the two OpenAI dialects send alike: tool arguments as text, media as addresses.

Used by `openai_responses` and `openai_chat` only.
"""

from __future__ import annotations

from typing import Any

import msgspec

from providers.types import FilePart, ImagePart


def write_arguments(arguments: dict[str, Any], raw: str | None) -> str:
    """Arguments as the JSON text in which OpenAI wants them back."""
    return raw if raw is not None else msgspec.json.encode(arguments).decode()


def image_url(part: ImagePart) -> str:
    """The address of an image: its own, or one that holds the data."""
    return part.url or f"data:{part.media_type or 'image/png'};base64,{part.data}"


def file_url(part: FilePart) -> str:
    """A file's data as an address."""
    return f"data:{part.media_type};base64,{part.data}"
