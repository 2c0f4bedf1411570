"""A body of any size is refused before it is kept."""

import pytest

from maestro.body_limit import BodyLimit

LIMIT = 1000


async def exchange(headers, chunks):
    """(status, bytes the application got, chunks that were asked for)."""
    got, sent, asked = bytearray(), [], 0

    async def app(scope, receive, send):
        while True:
            message = await receive()
            got.extend(message.get("body", b""))
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})

    queue = list(chunks)

    async def receive():
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": queue.pop(0), "more_body": bool(queue)}

    async def send(message):
        sent.append(message)

    await BodyLimit(app, LIMIT)({"type": "http", "headers": headers}, receive, send)
    return sent[0]["status"], bytes(got), asked


async def test_a_body_that_announces_too_much_is_refused_unread():
    status, got, asked = await exchange([(b"content-length", b"100000000")], [b"x"])
    assert (status, got, asked) == (413, b"", 0)


async def test_a_body_without_a_length_is_cut_off_while_it_is_counted():
    status, got, asked = await exchange([], [b"x" * 400] * 1000)
    assert (status, got) == (413, b"")
    assert asked == 3


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"900")]])
async def test_a_body_within_the_limit_arrives_whole(headers):
    status, got, _ = await exchange(headers, [b"x" * 450, b"y" * 450])
    assert (status, got) == (200, b"x" * 450 + b"y" * 450)
