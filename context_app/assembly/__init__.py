"""From chunks and stored messages to what is sent: pure, deterministic, explained.

    chunks, attachments ──▶ system text, blocks ─┐
    stored branch ──▶ pieces ──▶ left out? ──────┼──▶ window ──▶ request, and why
    a person's choices (pin, exclude, edit) ─────┘

Nothing here knows a database, a vendor or a clock. The transcript never changes; what is
left out is left out of the request only.
"""

from context_app.assembly.compose import Budget, Composed, TooMuch, compose
from context_app.assembly.items import (
    Choice,
    Item,
    Kind,
    Piece,
    Summary,
    piece_id,
)
from context_app.assembly.messages import StoredMessage, assemble
from context_app.assembly.sizes import Sizer, chars_of, schema_chars

__all__ = [
    "Budget",
    "Choice",
    "Composed",
    "Item",
    "Kind",
    "Piece",
    "Sizer",
    "StoredMessage",
    "Summary",
    "TooMuch",
    "assemble",
    "chars_of",
    "compose",
    "piece_id",
    "schema_chars",
]
