"""Words that came too late and cannot be asked: they stay in the conversation.

A question with an answer that failed, and why: the person sees what they said where it
would have stood, and asks again with one click. Called by `words.py`, in its transaction.
"""

from __future__ import annotations

import msgspec
from django.utils import timezone

from providers.errors import ProviderError
from providers.events import ErrorInfo
from sessions_app.errors import ServiceError
from sessions_app.models import Conversation, Message, Run, Steering
from sessions_app.person import Person
from sessions_app.runs import asking
from sessions_app.runs.started import Started


def keep(
    user: Person,
    conversation: Conversation,
    run: Run,
    row: Steering,
    why: ServiceError | ProviderError,
) -> Started:
    """Store the words as a question whose answer failed; `run` is what they came late for."""
    question = asking.new_question(
        user, conversation, conversation.leaf, row.text, row.client_message_id
    )
    answer = _below(question)
    kept = {k: v for k, v in run.options.items() if k in asking.OPTIONS}
    failed = Run.objects.create(
        conversation=conversation,
        question=question,
        answer=answer,
        started_by_id=user.pk,
        credential=run.credential,
        provider=run.provider,
        auth_type=run.auth_type,
        credential_name=run.credential_name,
        is_demo=run.is_demo,
        model=run.model,
        options=kept,
        status=Run.Status.FAILED,
        cause=why.message[:200],
        error=msgspec.to_builtins(_error(run, why)),
        finished_at=timezone.now(),
    )
    return Started(
        conversation=conversation, question=question, answer=answer, run=failed
    )


def _below(question: Message) -> Message:
    """An empty answer, stored with its question as what is shown."""
    conversation = question.conversation
    answer = Message(
        conversation=conversation,
        parent=question,
        depth=question.depth + 1,
        role=Message.Role.ASSISTANT,
    )
    Message.objects.bulk_create([question, answer])
    conversation.leaf, conversation.updated_at = answer, timezone.now()
    conversation.save(update_fields=["title", "leaf", "updated_at"])
    return answer


def _error(run: Run, why: ServiceError | ProviderError) -> ErrorInfo:
    if isinstance(why, ProviderError):
        return why.info()
    return ErrorInfo(kind="RequestRejected", message=why.message, provider=run.provider)
