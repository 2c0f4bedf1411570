"""What a page is sent may be larger than what it may send: thousands of chunks, say."""

from __future__ import annotations

import json

import pytest
from websockets.exceptions import ConnectionClosed

from tests.faults.test_hostile_clients import opened
from tests.faults.world import World

CHUNKS = 2_000
FILL = f"""
from context_app.models import ContextChunk
from sessions_app.models import Conversation
row = Conversation.objects.get()
ContextChunk.objects.bulk_create(
    ContextChunk(conversation=row, owner=row.owner, kind="text", title=f"chunk {{at}}",
                 text="A quick brown fox. " * 20, position=at) for at in range({CHUNKS}))
"""


def test_a_context_of_more_than_a_megabyte_reaches_the_page_and_the_socket_goes_on(
    world: World,
) -> None:
    key = world.post("/api/conversations/", {}).json()["conversation"]["id"]
    world.manage("shell", "-c", FILL)
    with opened(world, max_size=None) as client:
        for _ in range(2):
            client.send(json.dumps({"type": "context", "conversation_id": key}))
            text = client.recv(20)
            assert len(text) > 2**20
            frame = json.loads(text)
            assert frame["type"] == "context"
            assert len(frame["chunks"]) == CHUNKS


def test_what_a_page_sends_is_still_limited(world: World) -> None:
    with opened(world, max_size=None) as client:
        client.send(" " * (2**20 + 1))
        with pytest.raises(ConnectionClosed):
            client.recv(20)
