"""What followers of a conversation are told beside the batches: states and messages.

Called after the commit that made it true. Each notice is a frame, encoded once, rung at
the conversation's group; news for the list of conversations goes to the person's group.
"""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from context_app.models import Audit, ToolIntent
from maestro import doorbell
from sessions_app import frames
from sessions_app.models import Conversation, Message, Run
from sessions_app.runs.log.run_log import group_of
from sessions_app.services import sharing
from sessions_app.services.shapes import (
    audit_view,
    conversation_view,
    intent_view,
    message_view,
    run_view,
)
from sessions_app.tokens.credential_news import group_of_person


def encode(frame: frames.ServerFrame) -> str:
    """A frame as the text of a websocket message."""
    return frames.encode_frame(frame).decode()


def run_frames(run: Run) -> list[str]:
    """The state of a run, and its answer when that is final."""
    found = [encode(frames.Run(run=run_view(run)))]
    if not run.is_active:
        found.append(
            encode(frames.MessageFrame(message=message_view(run.answer, run=run)))
        )
    return found


def run_changed(run: Run) -> None:
    """It was claimed, or it is over: then its answer is final too."""
    doorbell.ring(
        group_of(run.conversation_id),
        {
            "kind": "run",
            "run": str(run.pk),
            "epoch": run.epoch,
            "seq": run.seq,
            "is_over": not run.is_active,
            "frames": run_frames(run),
        },
    )


def resumed(run: Run) -> None:
    """A run that was over goes on: followers read it again from its beginning."""
    doorbell.ring(
        group_of(run.conversation_id),
        {
            "kind": "accepted",
            "run": str(run.pk),
            "client_message_id": "",
            "frames": [encode(frames.Run(run=run_view(run)))],
        },
    )


def intent_changed(conversation_id: Any, intent: ToolIntent) -> None:
    """A tool call was asked for, decided, begun or answered."""
    frame = frames.IntentFrame(intent=intent_view(intent))
    doorbell.ring(
        group_of(conversation_id),
        {"kind": "news", "run": str(intent.run_ref), "frames": [encode(frame)]},
    )


def context_frame(conversation_id: UUID, frame: frames.ContextFrame) -> None:
    """Somebody changed the context: what became different, for every open panel."""
    _tell(conversation_id, frame)


def context_changed(conversation_id: UUID) -> None:
    """An answer or a tool changed the context: open panels ask again."""
    _tell(conversation_id, frames.ContextChanged(conversation_id=conversation_id))


def audit_changed(row: Audit) -> None:
    """An audit began, came further, or is over: every open page of its owner."""
    frame = frames.AuditFrame(audit=audit_view(row))
    doorbell.ring(
        group_of_person(row.owner_id), {"kind": "audit", "frames": [encode(frame)]}
    )


def _tell(conversation_id: UUID, frame: frames.ServerFrame) -> None:
    say(conversation_id, [encode(frame)])


def say(conversation_id: UUID, texts: list[str]) -> None:
    """Frames for whoever follows a conversation, beside its runs' logs."""
    doorbell.ring(
        group_of(conversation_id), {"kind": "news", "run": "", "frames": texts}
    )


class Asked(Protocol):
    """What was stored for a question; `service.Started` is one."""

    @property
    def conversation(self) -> Conversation: ...
    @property
    def question(self) -> Message: ...
    @property
    def answer(self) -> Message: ...
    @property
    def run(self) -> Run: ...
    @property
    def again(self) -> bool: ...


def accepted_frame(
    asked: Asked, client_message_id: str, *, is_first: bool = False
) -> str:
    """The frame that tells a client what its question became.

    `is_first`: it began its conversation, so neither message has siblings to look up.
    """
    question, answer = asked.question, asked.answer
    if asked.run.is_active:
        asked.conversation.active_run = asked.run.pk  # type: ignore[attr-defined]
    return encode(
        frames.Accepted(
            client_message_id=client_message_id,
            conversation=conversation_view(asked.conversation),
            question=message_view(
                question, siblings=[question.pk] if is_first else None
            ),
            answer=message_view(
                answer, siblings=[answer.pk] if is_first else None, run=asked.run
            ),
            run=run_view(asked.run),
            again=asked.again,
        )
    )


def accepted(asked: Asked, client_message_id: str, *, is_first: bool = False) -> str:
    """A question was stored: other pages that show this conversation want it too.

    Returns the frame they get, for the one who asked.
    """
    frame = accepted_frame(asked, client_message_id, is_first=is_first)
    doorbell.ring(
        group_of(asked.conversation.pk),
        {
            "kind": "accepted",
            "run": str(asked.run.pk),
            "client_message_id": client_message_id,
            "frames": [frame],
        },
    )
    conversation_changed(asked.conversation)
    return frame


def conversation_changed(conversation: Conversation) -> None:
    """Its title, last activity or shares changed: for the lists of all who see it."""
    frame = frames.ConversationFrame(conversation=conversation_view(conversation))
    news = {"kind": "conversation", "frames": [encode(frame)]}
    for person in sharing.readers_of(conversation):
        doorbell.ring(group_of_person(person), news)
