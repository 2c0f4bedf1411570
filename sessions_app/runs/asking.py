"""The parts of asking: checks of what came in, and the rows that a question becomes.

Used by `service.py` and its neighbours, in their transactions. Foreign ids are not found.
"""

from __future__ import annotations

import re
import uuid
from typing import Any, NamedTuple, cast
from uuid import UUID

from django.utils import timezone

from providers import resolver
from providers.errors import CredentialNotFound
from sessions_app.errors import Invalid, NotFound, TooLarge
from sessions_app.frames import MAX_TEXT
from sessions_app.models import (
    Conversation,
    Message,
    Run,
    SavedAuthentication,
    Verb,
)
from sessions_app.person import Person
from sessions_app.services import sharing
from sessions_app.services.credentials import credential_for, default_credential

OPTIONS = ("reasoning_effort", "tools")  # of one question, as clients may say them
MAX_QUEUED = 20  # questions that wait in one conversation
TITLE_CHARS = 60

_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,64}\Z")
# Where a first question begins a conversation, its id decides the conversation's id: two
# requests that race make one conversation.
_CONVERSATIONS = uuid.UUID("6f1c1a52-6d0e-4b39-9a6c-0d4f7c0c8f11")
_EFFORTS = ("none", "minimal", "low", "medium", "high", "max")


class Choice(NamedTuple):
    """Who is to answer."""

    credential: SavedAuthentication
    model: str


def check_client_id(client_message_id: str) -> None:
    """1 to 64 printable ASCII characters, chosen by the client. Raises Invalid."""
    if not _CLIENT_ID.match(client_message_id):
        raise Invalid(
            "client_message_id must be 1 to 64 printable ASCII characters.",
            field="client_message_id",
        )


def check_text(text: str) -> str:
    """The text of a question as it is stored. Raises Invalid."""
    # PostgreSQL cannot store it, and no model needs it.
    text = text.replace("\x00", "")
    if not text.strip():
        raise Invalid("Type a question first.", field="text")
    if len(text) > MAX_TEXT:
        raise TooLarge(
            f"The message is too long: {len(text):,} characters, and at most "
            f"{MAX_TEXT:,} are possible. Shorten it, or send it in parts.",
            field="text",
        )
    return text


def check_options(options: dict[str, Any] | None) -> dict[str, Any]:
    """The options that were given. Raises Invalid for words nobody knows."""
    given = {k: v for k, v in (options or {}).items() if v not in (None, "")}
    unknown = given.keys() - set(OPTIONS)
    if unknown:
        raise Invalid(f"There is no option {', '.join(sorted(unknown))}.")
    if not isinstance(given.get("tools", False), bool):
        raise Invalid("tools is true or false.", field="tools")
    effort = given.get("reasoning_effort")
    if effort is not None and effort not in _EFFORTS:
        raise Invalid(
            f"reasoning_effort is one of {', '.join(_EFFORTS)}.",
            field="reasoning_effort",
        )
    return given


def new_conversation_id(user: Person, client_message_id: str) -> UUID:
    """The id of the conversation that a first question begins."""
    return uuid.uuid5(_CONVERSATIONS, f"{user.pk}:{client_message_id}")


def run_for(*, user: Person, run_id: UUID) -> Run:
    """One run that this person may see. Raises NotFound, also for foreign ids."""
    found = (
        Run.objects.visible_to(user)
        .select_related("answer", "question", "conversation", "credential")
        .filter(pk=run_id)
        .first()
    )
    if found is None:
        raise NotFound("There is no such answer.")
    return found


def conversation_for(
    user: Person, conversation_id: UUID | None, client_message_id: str
) -> Conversation:
    """A conversation they take part in, locked, or a new one, not saved yet.

    Locked, because two questions at the same moment must not get the same parent.
    Raises NotFound, NotAllowed.
    """
    if conversation_id is None:
        pk = new_conversation_id(user, client_message_id)
        return Conversation(pk=pk, owner_id=cast(int, user.pk))
    found = (
        Conversation.objects.visible_to(user)
        .select_for_update(of=("self",))
        .select_related("leaf")
        .filter(pk=conversation_id)
        .first()
    )
    if found is None:
        raise NotFound("There is no such conversation.")
    sharing.check(user, Verb.TAKE_PART, found)
    return found


def message_for(user: Person, message_id: UUID) -> Message:
    """One message of a conversation they take part in. Raises NotFound, NotAllowed."""
    found = (
        Message.objects.visible_to(user)
        .select_related("conversation", "parent")
        .filter(pk=message_id)
        .first()
    )
    if found is None:
        raise NotFound("There is no such message.")
    sharing.check(user, Verb.TAKE_PART, found.conversation)
    return found


def parent_for(conversation: Conversation, parent_id: UUID | None) -> Message | None:
    """The answer under which a question goes. Raises NotFound, Invalid."""
    if conversation._state.adding and parent_id is None:
        return None
    parent = conversation.leaf
    if parent_id is not None:
        parent = conversation.messages.filter(pk=parent_id).first()
        if parent is None:
            raise NotFound("There is no such message in this conversation.")
    if parent is not None and parent.role == Message.Role.USER:
        raise Invalid("A question goes under an answer.", field="parent_id")
    return parent


def question_of(message: Message) -> Message:
    """The question itself, or the one that an answer is an answer to. Raises Invalid."""
    if message.role == Message.Role.USER:
        return message
    if message.role == Message.Role.ASSISTANT and message.parent is not None:
        question = message.parent
        question.conversation = message.conversation
        return question
    raise Invalid("Only a question or its answer can be asked again.")


def check_queue(conversation: Conversation) -> None:
    """Raises Invalid when too many questions wait already."""
    if conversation._state.adding:
        return
    if conversation.runs.filter(status=Run.Status.QUEUED).count() >= MAX_QUEUED:
        raise Invalid(
            f"{MAX_QUEUED} questions already wait for an answer here. Wait for one, or "
            "stop it."
        )


def choose(
    user: Person,
    conversation: Conversation,
    credential_id: UUID | None,
    model: str | None,
) -> Choice:
    """Credential and model: given, else the conversation's last, else the default."""
    credential = _credential(user, conversation, credential_id)
    if not model and conversation.credential_id == credential.pk:
        model = conversation.model
    if not model:
        known = resolver.providers().get(credential.provider)
        model = known.default_model if known else ""
    if not model:
        raise Invalid("Choose a model first.", field="model")
    if len(model) > 200 or not model.isprintable():
        raise Invalid("That is not the name of a model.", field="model")
    return Choice(credential, model)


def without_credential(run: Run) -> CredentialNotFound:
    """What a run was to be asked with is gone, or not its person's any more."""
    return CredentialNotFound(
        f"The credential “{run.credential_name}” is gone or no longer shared with you. "
        "Pick another one and ask again.",
        provider=run.provider,
    )


def _credential(
    user: Person, conversation: Conversation, credential_id: UUID | None
) -> SavedAuthentication:
    if credential_id is not None:
        return credential_for(user=user, credential_id=credential_id)
    found = None
    if conversation.credential_id is not None:
        mine = SavedAuthentication.objects.visible_to(user)
        found = mine.filter(pk=conversation.credential_id).first()
    found = found or default_credential(user=user)
    if found is None:
        raise Invalid(
            "There is no credential to ask with. Add an API key under Credentials.",
            field="credential_id",
        )
    return found


def new_question(
    user: Person,
    conversation: Conversation,
    parent: Message | None,
    text: str,
    client_message_id: str,
) -> Message:
    """A question that is not saved yet; a nameless conversation is named after it."""
    if not conversation.title:
        conversation.title = title_from(text)
    return Message(
        conversation=conversation,
        parent=parent,
        depth=parent.depth + 1 if parent else 0,
        role=Message.Role.USER,
        parts=[{"type": "text", "text": text}],
        text=text,
        author_id=user.pk,
        author_name=user.get_username(),
        client_message_id=client_message_id,
    )


def save_asked(
    user: Person,
    question: Message,
    choice: Choice,
    options: dict[str, Any],
    client_message_id: str,
) -> Run:
    """All rows of a question, in as few statements as can be: inside a transaction.

    The answer is empty and is now the branch that is shown. An answer that is asked for
    again carries the client's id itself; else the new question does.
    """
    credential, model = choice
    conversation = question.conversation
    is_new = question._state.adding
    answer = Message(
        conversation=conversation,
        parent=question,
        depth=question.depth + 1,
        role=Message.Role.ASSISTANT,
        client_message_id="" if is_new else client_message_id,
    )
    conversation.leaf = answer
    conversation.credential = credential
    conversation.model = model
    _save_conversation(conversation)
    Message.objects.bulk_create([question, answer] if is_new else [answer])
    return Run.objects.create(
        conversation=conversation,
        question=question,
        answer=answer,
        started_by_id=user.pk,
        credential=credential,
        provider=credential.provider,
        auth_type=credential.auth_type,
        credential_name=credential.name,
        is_demo=credential.is_demo,
        model=model,
        options=options | _settings_of(conversation),
    )


def _settings_of(conversation: Conversation) -> dict[str, Any]:
    """What its owner chose for all its answers, as it is now."""
    found = {"retry": conversation.retry, "fallbacks": conversation.fallbacks}
    return {name: value for name, value in found.items() if value}


def _save_conversation(conversation: Conversation) -> None:
    # The leaf's row follows within the transaction; the constraint waits for its end.
    if conversation._state.adding:
        conversation.save(force_insert=True)
        return
    conversation.updated_at = timezone.now()
    conversation.save(
        update_fields=["title", "leaf", "credential", "model", "updated_at"]
    )


def title_from(text: str) -> str:
    """The first words of a question, cut at a word."""
    words = " ".join(text.split())
    if len(words) <= TITLE_CHARS:
        return words
    cut = words[:TITLE_CHARS].rpartition(" ")[0] or words[:TITLE_CHARS]
    return cut.rstrip(" .,;:") + " …"
