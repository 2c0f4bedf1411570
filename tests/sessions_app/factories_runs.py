"""Conversations, runs and a vendor of our own for tests: plain functions, defaults filled.

The vendor is a script in this process that replaces `stream_chat` at its edge; tests of
the real wire use the emulator.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

from django.contrib.auth.models import User

from providers.errors import ProviderError
from providers.events import Event, Finished, Started, StreamError, TextDelta, Usage
from sessions_app.models import Conversation, Message, Run
from sessions_app.runs import service
from sessions_app.runs.executor import executor
from tests.sessions_app.factories import make_credential, make_user

PATIENCE_S = 10.0


@dataclass
class Script:
    """What the vendor says: batches of events, `pace_s` apart; then it may hang."""

    batches: list[list[Event]] = field(default_factory=list)
    pace_s: float = 0.0
    refuse: ProviderError | None = None
    hang: bool = False
    requests: list[dict[str, Any]] = field(default_factory=list)
    closed_at: float | None = None
    open: int = 0
    gate: threading.Event | None = None  # the stream begins when it is set

    def say(self, *words: str, pace_s: float = 0.0) -> Self:
        """These deltas, one batch each, then a clean end."""
        self.pace_s = pace_s
        self.batches = [
            [Started(response_id="r1", model="m")],
            *([TextDelta(text=word)] for word in words),
            [
                Usage(input_tokens=3, output_tokens=len(words)),
                Finished(stop_reason="stop"),
            ],
        ]
        return self

    def say_and_hang(self, *words: str) -> Self:
        """These deltas, then silence for ever."""
        self.batches = [[TextDelta(text=word)] for word in words]
        self.hang = True
        return self

    def stream_chat(
        self, provider: str, session_id: str, messages: list[Any], **options: Any
    ) -> FakeStream:
        """Stands in for `providers.provider.stream_chat`."""
        self.requests.append(
            {"provider": provider, "name": session_id, "messages": messages, **options}
        )
        return FakeStream(self)


class FakeStream:
    """A `ChatStream` that follows a script."""

    request_body: Mapping[str, Any] = MappingProxyType({"scripted": True})
    was_asked = True

    def __init__(self, script: Script) -> None:
        self._script = script
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        if self._script.refuse is not None:
            raise self._script.refuse
        self._script.open += 1
        return self

    def __exit__(self, *args: object) -> None:
        self._script.open -= 1

    def close(self) -> None:
        self._script.closed_at = time.monotonic()
        self._closed.set()

    def drive(self, sink: Callable[[list[Event]], None], *, tick_s: float) -> None:
        script = self._script
        if script.gate is not None:
            script.gate.wait(PATIENCE_S)
        for batch in script.batches:
            if self._closed.is_set():
                break
            sink(batch)
            if isinstance(batch[-1], Finished | StreamError):
                return
            if script.pace_s:
                self._closed.wait(script.pace_s)
        if script.hang:
            self._closed.wait(PATIENCE_S)
        sink([Finished(stop_reason="cancelled")])


def ask(
    user: User | None = None, text: str = "Why is the sky blue?", **fields: Any
) -> service.Started:
    """A question of a person who has a credential."""
    user = user or make_user()
    if "credential_id" not in fields:
        fields["credential_id"] = make_credential(owner=user).pk
    fields.setdefault("model", "model-1")
    fields.setdefault("client_message_id", uuid.uuid4().hex)
    return service.start_run(user=user, text=text, **fields)


def wait_for_runs() -> None:
    """Until no run of this process is at work."""
    assert executor.wait_until_idle(PATIENCE_S), "a run did not end"


def wait_until(is_so: Callable[[], object], timeout_s: float = PATIENCE_S) -> None:
    """Until it is so; fails when that takes too long."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.01)


def make_conversation(owner: User, **fields: Any) -> Conversation:
    """An empty conversation."""
    return Conversation.objects.create(owner=owner, **fields)


def make_run(owner: User, **fields: Any) -> Run:
    """A run with its conversation, question and answer, that nobody works on."""
    conversation = fields.pop("conversation", None) or make_conversation(owner)
    question = Message.objects.create(
        conversation=conversation, role="user", text="Why?", parts=[]
    )
    answer = Message.objects.create(
        conversation=conversation, role="assistant", parent=question, depth=1
    )
    defaults: dict[str, Any] = {
        "provider": "openai",
        "auth_type": "api_key",
        "credential_name": "work",
        "model": "model-1",
        "started_by": owner,
    }
    return Run.objects.create(
        conversation=conversation,
        question=question,
        answer=answer,
        **(defaults | fields),
    )
