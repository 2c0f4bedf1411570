"""A page of our own: opens the socket as a browser would and understands the frames.

It checks the numbering of every batch it gets, as a real page relies on it.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any, Self

from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.test import Client

from sessions_app.consumers.token import token_for
from sessions_app.routing import websocket_application

ORIGIN = "http://127.0.0.1:8000"


def session_of(user: User) -> str:
    """A fresh session of this person: its key."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.session.session_key or ""


def socket(
    session_key: str = "", origin: str | None = ORIGIN, path: str = "/ws/chat/"
) -> WebsocketCommunicator:
    """A handshake that is not made yet."""
    headers = [(b"host", b"127.0.0.1:8000")]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    if session_key:
        headers.append((b"cookie", f"sessionid={session_key}".encode()))
    return WebsocketCommunicator(websocket_application, path, headers)


class Page:
    """An open page of one person. Use `async with Page(user)`."""

    def __init__(self, user: User, *, acks: bool = True) -> None:
        self.user = user
        self.acks = acks
        self.frames: list[dict[str, Any]] = []
        self.text: dict[str, str] = {}
        self.position: dict[str, tuple[int, int]] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.closed: int | None = None

    async def __aenter__(self) -> Self:
        self.session_key = await sync_to_async(session_of)(self.user)
        self.socket = socket(self.session_key)
        is_open, _ = await self.socket.connect(timeout=5)
        assert is_open
        await self.say(type="hello", token=token_for(self.session_key))
        assert (await self.next())["type"] == "ready"
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.leave()

    async def leave(self) -> None:
        await self.socket.disconnect(timeout=5)

    async def say(self, **frame: Any) -> None:
        await self.socket.send_to(text_data=json.dumps(frame, default=str))

    async def ask(self, text: str = "Why?", **fields: Any) -> dict[str, Any]:
        """Send a question; the `accepted` frame."""
        fields.setdefault("client_message_id", uuid.uuid4().hex)
        await self.say(type="send", text=text, **fields)
        return await self.until("accepted")

    async def follow(self, conversation_id: Any, **positions: Any) -> None:
        known = [
            {"run_id": run, "epoch": epoch, "seq": seq}
            for run, (epoch, seq) in self.position.items()
        ]
        await self.say(
            type="follow",
            conversation_id=conversation_id,
            positions=positions.get("positions", known),
        )

    async def next(self, timeout_s: float = 10.0) -> dict[str, Any]:
        """The next frame, understood."""
        message = await self.socket.receive_output(timeout_s)
        if message["type"] == "websocket.close":
            self.closed = message.get("code")
            raise ConnectionError(self.closed)
        frame: dict[str, Any] = json.loads(message["text"])
        self.frames.append(frame)
        await self._understand(frame)
        return frame

    async def until(self, kind: str, timeout_s: float = 10.0) -> dict[str, Any]:
        """The next frame of this type."""
        async with asyncio.timeout(timeout_s):
            while True:
                frame = await self.next(timeout_s)
                if frame["type"] == kind:
                    return frame

    async def until_over(self, run_id: str, timeout_s: float = 20.0) -> dict[str, Any]:
        """Read until a run is over and its answer is final; the answer."""
        async with asyncio.timeout(timeout_s):
            while run_id not in self.answers:
                await self.next(timeout_s)
        return self.answers[run_id]

    async def nothing(self, for_s: float = 0.2) -> bool:
        return await self.socket.receive_nothing(for_s, 0.01)

    async def _understand(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "batch":
                await self._take_batch(frame)
            case "rewind":
                self.position[frame["run_id"]] = (frame["epoch"], frame["seq"])
            case "run":
                self.runs[frame["run"]["id"]] = frame["run"]
            case "message" if frame["message"].get("run"):
                self.answers[frame["message"]["run"]["id"]] = frame["message"]
            case "message":
                for run in self.runs.values():
                    if run["answer_id"] == frame["message"]["id"]:
                        self.answers[run["id"]] = frame["message"]

    async def _take_batch(self, frame: dict[str, Any]) -> None:
        run_id = frame["run_id"]
        _, seq = self.position.get(run_id, (0, 0))
        assert frame["first"] == seq + 1, f"a gap or a repetition after {seq}"
        assert len(frame["events"]) == frame["last"] - frame["first"] + 1
        self.position[run_id] = (frame["epoch"], frame["last"])
        for event in frame["events"]:
            if event["type"] == "text_delta":
                self.text[run_id] = self.text.get(run_id, "") + event["text"]
        if self.acks:
            await self.say(
                type="ack", run_id=run_id, epoch=frame["epoch"], seq=frame["last"]
            )


def answer_text(message: dict[str, Any]) -> str:
    """The visible text of a message frame."""
    return "".join(p["text"] for p in message["parts"] if p["type"] == "text")
