"""A body of any size is refused before it is kept."""

import pytest

from maestro.body_limit import BodyLimit, Limits

LIMIT = 1000
FILES = 50_000
UPLOAD = "/api/conversations/00000000-0000-0000-0000-000000000000/context/file/"


async def exchange(headers, chunks, path="/"):
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

    scope = {"type": "http", "headers": headers, "path": path}
    await BodyLimit(app, Limits(LIMIT, FILES))(scope, receive, send)
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


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (UPLOAD, 200),
        (f"/under{UPLOAD}", 200),
        (f"/api/credentials/?x={UPLOAD}", 413),
        (f"{UPLOAD}more/", 413),
        ("/api/conversations/x/context/file/", 413),
    ],
)
async def test_only_where_files_are_taken_a_body_may_be_as_large_as_a_file(
    path, status
):
    found, _, _ = await exchange([(b"content-length", b"40000")], [b"x" * 40_000], path)
    assert found == status
    too_large = await exchange([(b"content-length", b"99000")], [b"x"], path)
    assert too_large[0] == 413
