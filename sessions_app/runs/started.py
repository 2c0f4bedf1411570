"""What asking left behind."""

from __future__ import annotations

from dataclasses import dataclass

from sessions_app.models import Conversation, Message, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What was stored. `again`: it had been before, nothing new was done."""

    conversation: Conversation
    question: Message
    answer: Message
    run: Run
    again: bool = False
    frame: str = ""  # the `accepted` frame, encoded
