"""What each frame of a client does: one service each, then follow.

Called by the consumer, one frame after the other. Errors become `error` frames that say
what to do; nothing of a traceback leaves the server.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Any, Protocol
from uuid import UUID

from django.db import Error

from providers.errors import ProviderError
from sessions_app import frames, storage
from sessions_app.consumers.db import in_db
from sessions_app.consumers.following import Following
from sessions_app.consumers.identity import person_of
from sessions_app.errors import LimitReached, ServiceError
from sessions_app.person import Person
from sessions_app.runs import decisions, notices, resuming, service, snapshots, steering
from sessions_app.runs.asking import new_conversation_id
from sessions_app.runs.context import look
from sessions_app.runs.started import Started

log = logging.getLogger(__name__)

MAX_POSITIONS = 200

_CODES = {"not_found": "not_found", "too_large": "too_large"}


class SignedOut(Exception):
    """The session of this socket is over."""


class Page(Protocol):
    """An open page's socket, as the actions know it."""

    session_key: str
    following: Following

    @property
    def person(self) -> Person: ...

    def put(self, text: str) -> None: ...

    def refuse(self, code: Any, message: str, **about: Any) -> None: ...

    async def sign_out(self) -> None: ...


async def act(socket: Page, frame: frames.ClientFrame) -> None:
    """Do what a frame asks for. Raises nothing that a client could cause."""
    about: dict[str, Any] = {
        name: value
        for name in ("client_message_id", "run_id")
        if (value := getattr(frame, name, None)) is not None
    }
    match frame:
        case frames.Follow():
            work: Awaitable[None] = _follow(socket, frame)
        case frames.Unfollow():
            work = socket.following.unfollow(frame.conversation_id)
        case frames.Stop():
            work = _stop(socket, frame)
        case frames.Steer():
            work = _steer(socket, frame)
        case frames.Context():
            work = _context(socket, frame)
        case frames.Decide():
            work = _decide(socket, frame)
        case frames.Continue():
            work = _continue(socket, frame)
        case frames.Send() | frames.Regenerate() | frames.Edit():
            work = _ask(socket, frame)
        case _:
            return
    await guarded(socket, work, **about)


async def guarded(socket: Page, work: Awaitable[None], **about: Any) -> None:
    """Await work for a socket; what goes wrong is told to its client."""
    try:
        await work
    except SignedOut:
        await socket.sign_out()
    except ServiceError as exc:
        socket.refuse(_CODES.get(exc.code, "refused"), exc.message, **about)
    except LimitReached as exc:
        about |= {"retry_after_s": exc.retry_after_s, "limit": exc.limit}
        socket.refuse("limited", exc.message, **about)
    except ProviderError as exc:
        socket.refuse("refused", exc.message, **about)
    except Error as exc:
        log.warning("socket.database", extra={"error": type(exc).__name__})
        if why := storage.trouble(exc):
            socket.refuse(storage.CODE, why, **about)
            return
        socket.refuse(
            "unavailable",
            "The database is busy or away. Nothing was lost; try again in a moment.",
            **about,
        )
    except Exception:
        log.exception("socket.action_failed")
        socket.refuse(
            "unavailable",
            "Something went wrong in Maestro itself. The server's log says what.",
            **about,
        )


async def _follow(socket: Page, frame: frames.Follow) -> None:
    conversation_id = frame.conversation_id
    if len(frame.positions) > MAX_POSITIONS:
        socket.refuse("refused", f"At most {MAX_POSITIONS} positions at once.")
        return
    is_own = await in_db(_check_mine, socket.session_key, conversation_id)
    if not await socket.following.follow(conversation_id, is_own=is_own):
        socket.refuse("refused", "Too many conversations at once: unfollow one.")
        return
    # Subscribed: what is rung from here on is heard, what was before is read now.
    positions = {p.run_id: (p.epoch, p.seq) for p in frame.positions}
    states = await in_db(
        snapshots.states, socket.person, [conversation_id], list(positions)
    )
    for state in states:
        socket.following.read(state, positions.get(state.run_id))


async def _stop(socket: Page, frame: frames.Stop) -> None:
    await in_db(_stop_run, socket.session_key, frame.run_id)


async def _decide(socket: Page, frame: frames.Decide) -> None:
    await in_db(_decide_call, socket.session_key, frame)


async def _steer(socket: Page, frame: frames.Steer) -> None:
    # What it became is rung at the conversation, for this page as for all others.
    await in_db(_steer_run, socket.session_key, frame)


async def _context(socket: Page, frame: frames.Context) -> None:
    socket.put(await in_db(_context_of, socket.session_key, frame))


async def _continue(socket: Page, frame: frames.Continue) -> None:
    await in_db(_carry_on, socket.session_key, frame.run_id)


async def _ask(
    socket: Page, frame: frames.Send | frames.Regenerate | frames.Edit
) -> None:
    # Said before it is stored: the news of it for other pages is not for this one.
    socket.following.asked.append(frame.client_message_id)
    ahead = await _follow_ahead(socket, frame)
    try:
        asked = await in_db(_store, socket.session_key, frame)
    except BaseException:
        if ahead is not None:
            await socket.following.unfollow(ahead)
        raise
    socket.put(asked.frame)
    conversation_id, run_id = asked.conversation.pk, asked.run.pk
    if socket.following.is_following(conversation_id) and not asked.again:
        socket.following.read_new(run_id, conversation_id)
        return
    is_own = asked.conversation.owner_id == socket.person.pk
    await socket.following.follow(conversation_id, is_own=is_own)
    for state in await in_db(
        snapshots.states, socket.person, [conversation_id], [run_id]
    ):
        socket.following.read(state)


async def _follow_ahead(
    socket: Page, frame: frames.Send | frames.Regenerate | frames.Edit
) -> UUID | None:
    """Listen to a conversation that is about to begin, so that nothing of it is missed.

    Its id comes from this person and this question: it can be nobody else's.
    """
    if not isinstance(frame, frames.Send) or frame.conversation_id is not None:
        return None
    coming = new_conversation_id(socket.person, frame.client_message_id)
    following = socket.following
    is_listening = following.is_following(coming)
    if is_listening or not await following.follow(coming, is_own=True):
        return None
    return coming


def _person(session_key: str) -> Person:
    """Whoever the session belongs to now. Raises SignedOut."""
    user = person_of(session_key)
    if user is None:
        raise SignedOut
    return user


def _check_mine(session_key: str, conversation_id: UUID) -> bool:
    return snapshots.check_mine(_person(session_key), conversation_id)


def _stop_run(session_key: str, run_id: UUID) -> None:
    service.stop_run(user=_person(session_key), run_id=run_id)


def _steer_run(session_key: str, frame: frames.Steer) -> None:
    steering.steer(
        user=_person(session_key),
        run_id=frame.run_id,
        text=frame.text,
        client_message_id=frame.client_message_id,
    )


def _context_of(session_key: str, frame: frames.Context) -> str:
    asker = look.Asker(frame.credential_id, frame.model, frame.tools)
    found = look.look(_person(session_key), frame.conversation_id, asker)
    return notices.encode(look.frame_of(found))


def _decide_call(session_key: str, frame: frames.Decide) -> None:
    decisions.decide(
        user=_person(session_key),
        intent_id=frame.intent_id,
        approve=frame.approve,
        for_conversation=frame.for_conversation,
        words=frame.words,
    )


def _carry_on(session_key: str, run_id: UUID) -> None:
    resuming.carry_on(user=_person(session_key), run_id=run_id)


def _store(
    session_key: str, frame: frames.Send | frames.Regenerate | frames.Edit
) -> Started:
    """Store a question for whoever the session belongs to now."""
    common: dict[str, Any] = {
        "user": _person(session_key),
        "client_message_id": frame.client_message_id,
        "credential_id": frame.credential_id,
        "model": frame.model,
        "options": {"reasoning_effort": frame.reasoning_effort, "tools": frame.tools},
    }
    match frame:
        case frames.Send():
            return service.start_run(
                text=frame.text,
                conversation_id=frame.conversation_id,
                parent_id=frame.parent_id,
                **common,
            )
        case frames.Regenerate():
            return service.regenerate(message_id=frame.message_id, **common)
        case frames.Edit():
            return service.edit(message_id=frame.message_id, text=frame.text, **common)
