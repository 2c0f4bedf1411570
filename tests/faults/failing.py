"""What every failure must leave behind: a clear end, the question, the text so far."""

from __future__ import annotations

from typing import Any

import msgspec

from sessions_app.models import Conversation, Message, Run
from tests.faults.asking import QUESTION, folded_log, joined, run_of


def check_failed(
    shown: dict[str, Any], code: int, kind: str, says: str, text: str = ""
) -> Run:
    """A FAILED run with advice, the question kept, the text so far kept; the run."""
    run = run_of(shown)
    assert code == 1
    assert shown["error"]["kind"] == kind
    assert says in shown["error"]["advice"]
    assert (run.status, run.cause) == (Run.Status.FAILED, run.error["message"][:200])
    assert shown["text"] == run.answer.text == joined(run.answer.parts, "text")
    assert shown["text"].startswith(text) if text else shown["text"] == ""
    check_nothing_is_half(run)
    return run


def check_nothing_is_half(run: Run) -> None:
    """The question is whole; answer, log and row agree; nobody works on it any more."""
    assert joined(run.question.parts, "text") == run.question.text == QUESTION
    assert run.answer.parent_id == run.question_id
    assert run.finished_at is not None
    assert run.conversation.leaf_id == run.answer_id
    assert msgspec.to_builtins(folded_log(run).parts()) == run.answer.parts
    assert not Run.objects.active().exists()
    rows = (Conversation.objects.count(), Message.objects.count(), Run.objects.count())
    assert rows == (1, 2, 1)
