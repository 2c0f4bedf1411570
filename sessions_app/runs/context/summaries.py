"""Summaries: a model writes what stands for the earlier messages of a conversation.

    start ─▶ row (writing) ─▶ thread: parts that fit the window, one after the other ─▶ ready

Shown while it grows, editable, and undone by deleting it: the messages were never gone.
A row that is deleted meanwhile stops its thread; one that a killed server left behind is
ended by the reaper.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django.db import Error
from django.utils import timezone

from context_app.assembly import Budget, Choice, Item, Sizer, compose
from context_app.models import ContextChunk
from context_app.services import context
from providers import provider
from providers.accumulate import Accumulator
from providers.errors import CredentialNotFound, PermissionRefused, ProviderError
from providers.events import TextDelta
from providers.types import AuthType, Message, TextPart
from sessions_app.errors import Invalid, NotAllowed
from sessions_app.models import Conversation, SavedAuthentication, Verb
from sessions_app.person import Person
from sessions_app.runs import notices
from sessions_app.runs.context.look import Asker, Look, look
from sessions_app.runs.metering import Metered, call_of
from sessions_app.runs.turns import in_database, with_patience, writing
from sessions_app.services import sharing, usage
from sessions_app.services.branches import Said, said_until
from sessions_app.storable import without_nul

log = logging.getLogger(__name__)

KEEP = 4  # messages at the end that are not summarised unless somebody says so
SHOW_EVERY_S = 1.0
STALE_AFTER = timedelta(minutes=2)  # without a beat: the reaper's rounds beat for us
UNKNOWN_WINDOW = 30_000  # tokens at once for a model whose window nobody knows
PROMPT = (
    "Summarise the conversation so far, so that it can go on without its earlier messages. "
    "Keep decisions, facts, names, numbers, code that is still needed, open questions and "
    "what the person prefers. Leave out small talk and what was overtaken. Write in the "
    "language of the conversation, in the third person, without an introduction."
)

State = ContextChunk.State

# The summaries that this process writes, and what each is asking for.
_at_work: set[UUID] = set()
_streams: dict[UUID, Metered] = {}


def start(
    user: Person, conversation_id: UUID, *, up_to: UUID | None = None
) -> ContextChunk:
    """Begin a summary of the messages up to this one, else of all but the last few.

    Returns at once; the row says how far it is. Raises NotFound, NotAllowed,
    Invalid, LimitReached.
    """
    found = look(user, conversation_id, Asker())
    sharing.check(user, Verb.TAKE_PART, found.conversation)
    if found.credential is None:
        raise Invalid("There is no credential to ask with. Add one under Credentials.")
    usage.admit(user.pk, found.credential.pk, is_run=False)
    branch = said_until(found.conversation.leaf) if found.conversation.leaf else []
    covered = _covered(branch, up_to)
    with writing():
        row = _begun(found, covered)
    notices.context_changed(conversation_id)
    threading.Thread(
        target=_write, args=(row.pk, user, found, covered), name="summary", daemon=True
    ).start()
    return row


def _begun(found: Look, covered: list[Said]) -> ContextChunk:
    """The row. Raises Invalid."""
    conversation = found.conversation
    # Held: of two clicks at the same moment the second one sees the first one's row.
    held = Conversation.objects.select_for_update(no_key=True)
    held.values_list("pk").get(pk=conversation.pk)
    rows = ContextChunk.objects.filter(conversation=conversation)
    if rows.filter(state=State.WRITING).exists():
        raise Invalid("A summary is being written already.")
    credential = cast(SavedAuthentication, found.credential)
    return ContextChunk.objects.create(
        conversation=conversation,
        owner=conversation.owner,
        kind=ContextChunk.Kind.SUMMARY,
        title=f"Summary of {len(covered)} messages",
        source=f"{credential.name} ({credential.provider}, {found.model})",
        position=-1.0,
        covers=covered[-1].pk,
        state=State.WRITING,
        created_by=ContextChunk.CreatedBy.SUMMARY,
    )


def stop(row_id: UUID) -> None:
    """End the writing of this summary, if this process is at it."""
    stream = _streams.get(row_id)
    if stream is not None:
        stream.close()


def end_abandoned() -> int:
    """Say of summaries whose server is gone that they failed. How many.

    Those of this process are said to go on first: a model may think for minutes before
    it writes a word.
    """
    ours = ContextChunk.objects.filter(pk__in=tuple(_at_work), state=State.WRITING)
    ours.update(updated_at=timezone.now())
    rows = ContextChunk.objects.filter(
        state=State.WRITING, updated_at__lt=timezone.now() - STALE_AFTER
    )
    return rows.update(
        state=State.FAILED, cause="The server stopped while it was being written."
    )


def _covered(branch: Sequence[Said], up_to: UUID | None) -> list[Said]:
    if up_to is None:
        found = list(branch[:-KEEP])
    else:
        depths = [row.depth for row in branch if row.pk == up_to]
        found = [row for row in branch if depths and row.depth <= depths[0]]
    if len(found) < 2:
        raise Invalid("There is too little to summarise yet.", field="message_id")
    return found


class _Gone(Exception):
    """Somebody deleted the summary while it was written."""


class _Incomplete(Exception):
    """The model did not say it to the end; the words say why. It stands for nothing."""


# By the reason why a model stopped; other reasons are told as they are.
_INCOMPLETE = {
    "length": "It was cut off at the most the model may write. Summarise up to an earlier "
    "message, or with a model that may write more.",
    "context_full": "The model's window was full. Summarise up to an earlier message.",
    "refusal": "The model declined to write it.",
    "content_filter": "The vendor withheld it.",
}


def _write(row_id: UUID, user: Person, found: Look, covered: list[Said]) -> None:
    _at_work.add(row_id)
    try:
        values = _written(row_id, user, found, covered)
        with_patience(_set, row_id, values)
    except _Gone:
        return
    except Error:
        log.error("summary.not_stored")
        return  # the reaper says that it failed
    finally:
        _at_work.discard(row_id)
    notices.context_changed(found.conversation.pk)


def _written(
    row_id: UUID, user: Person, found: Look, covered: list[Said]
) -> dict[str, Any]:
    """How it ended, as fields of the row. Raises _Gone."""
    try:
        text = _fold(row_id, user, found, covered)
        if not text.strip():
            return {"state": State.FAILED, "cause": "The model wrote nothing."}
        return {"state": State.READY, "text": text}
    except _Gone:
        raise
    except _Incomplete as exc:
        return {"state": State.FAILED, "cause": str(exc)}
    except ProviderError as exc:
        return {"state": State.FAILED, "cause": exc.message[:300]}
    except Exception:
        log.exception("summary.failed")
        return {"state": State.FAILED, "cause": "Something went wrong in Maestro."}
    finally:
        _streams.pop(row_id, None)


def _fold(row_id: UUID, user: Person, found: Look, covered: list[Said]) -> str:
    """The summary of all parts: each part is read with the summary of those before."""
    sizer = context.sizer_for(_provider(found), found.model, found.credential)
    choices = found.gathered.choices
    parts = _parts(covered, choices, _room(found, sizer), sizer)
    text = ""
    for at, part in enumerate(parts, start=1):
        before = [_item(row_id, text)] if text else []
        composed = compose(before, part, choices=choices, sizer=sizer)
        ask = Message(role="user", parts=[TextPart(text=PROMPT)])
        progress = "" if len(parts) == 1 else f"Part {at} of {len(parts)}."
        in_database(_check_right, user, found)
        stream = _stream(user, found, composed.system, [*composed.messages, ask])
        text = _ask(row_id, found, stream, progress)
    return text


def _check_right(user: Person, found: Look) -> None:
    """Many parts take minutes, in which a right may be taken away. Raises
    CredentialNotFound, PermissionRefused."""
    credential = cast(SavedAuthentication, found.credential)
    try:
        person = sharing.still_asking(user.pk, found.conversation.pk)
    except NotAllowed as exc:
        raise PermissionRefused(exc.message, provider=credential.provider) from None
    mine = SavedAuthentication.objects.visible_to(person)
    if not mine.filter(pk=credential.pk).exists():
        raise CredentialNotFound(
            f"The credential “{credential.name}” is gone or no longer shared with you. "
            "Pick another one.",
            provider=credential.provider,
        )


def _stream(user: Person, found: Look, system: str, messages: list[Message]) -> Metered:
    credential = cast(SavedAuthentication, found.credential)
    stream = provider.stream_chat(
        credential.provider,
        credential.name,
        messages,
        model=found.model,
        auth_type=cast(AuthType, credential.auth_type),
        system=system,
    )
    return Metered(stream, call_of(user, credential, found.model))


def _ask(row_id: UUID, found: Look, stream: Metered, progress: str) -> str:
    answer = Accumulator()
    shown_at = time.monotonic()
    with stream:
        _streams[row_id] = stream
        for event in stream:
            answer.add(event)
            is_due = time.monotonic() - shown_at > SHOW_EVERY_S
            if is_due and isinstance(event, TextDelta):
                shown_at = time.monotonic()
                _show(row_id, found, {"text": answer.text, "cause": progress})
    _check_whole(answer)
    return answer.text


def _check_whole(answer: Accumulator) -> None:
    """Half a summary must not stand for the messages. Raises _Incomplete."""
    reason = answer.finished.stop_reason if answer.finished else "other"
    if reason in ("stop", "cancelled", "other"):  # whoever stopped it knows
        return
    raise _Incomplete(_INCOMPLETE.get(reason, "The model did not finish it."))


def _show(row_id: UUID, found: Look, values: dict[str, Any]) -> None:
    """How far it is; a database that is busy does without. Raises _Gone."""
    try:
        in_database(_set, row_id, values)
    except Error as exc:
        log.warning("summary.not_shown", extra={"error": type(exc).__name__})
        return
    notices.context_changed(found.conversation.pk)


def _set(row_id: UUID, values: dict[str, Any]) -> None:
    rows = ContextChunk.objects.filter(pk=row_id, state=State.WRITING)
    is_over = values.get("state") in (State.READY, State.FAILED)
    cause = {} if "cause" in values or not is_over else {"cause": ""}
    values = without_nul(values)
    if not rows.update(**values, **cause, updated_at=timezone.now()):
        raise _Gone


def _parts(
    covered: list[Said], choices: dict[UUID, Choice], room: int, sizer: Sizer
) -> list[list[Said]]:
    """The messages in as many parts as the window needs, each at least one message."""
    pieces = compose([], covered, choices=choices, budget=Budget(), sizer=sizer).pieces
    sizes: dict[UUID, int] = {}
    for piece in pieces:
        if piece.message_id is not None and piece.is_sent:
            sizes[piece.message_id] = sizes.get(piece.message_id, 0) + piece.tokens
    parts: list[list[Said]] = [[]]
    used = 0
    for row in covered:
        size = sizes.get(row.pk, 0)
        if parts[-1] and used + size > room:
            parts.append([])
            used = 0
        parts[-1].append(row)
        used += size
    return parts


def _room(found: Look, sizer: Sizer) -> int:
    """Tokens for the messages of one part: the rest is for the summary before it."""
    window = context.budget_for(_provider(found), found.model, (), sizer).for_input
    return (window or UNKNOWN_WINDOW) * 3 // 5


def _provider(found: Look) -> str:
    return found.credential.provider if found.credential else ""


def _item(row_id: UUID, text: str) -> Item:
    return Item(
        id=row_id, kind="summary", title="The conversation before this", text=text
    )
