"""Server-sent events: bytes in, events out. Sans-IO, one decoder per response.

Called by `providers/streaming.py` and by nobody else in the product. Follows the WHATWG
event-stream text (https://html.spec.whatwg.org/multipage/server-sent-events.html,
"Parsing an event stream" and "Interpreting an event stream") to the letter: one byte
order mark, lines that end with LF, CR or CRLF wherever the network cuts them, comments,
fields without a colon, blocks without data, an unfinished block at the end.

This is the hottest code of the product. A piece of the body is searched once for the end
of its last line, split once, and its unfinished rest is kept as it came, so that an event
of megabytes in kilobyte pieces costs what its bytes cost.
"""

from __future__ import annotations

from typing import Any

import msgspec

from providers.errors import ProtocolError

MAX_EVENT_BYTES = 16 * 1024 * 1024
MAX_STRAY_BYTES = 64 * 1024
_BOM = b"\xef\xbb\xbf"
_decode_json = msgspec.json.Decoder().decode


class SSEEvent(msgspec.Struct, frozen=True, gc=False):
    """One dispatched event.

    `event` is its type, "message" when the block named none. `data` is its lines joined
    with LF. `id` is the last event id of the stream so far, "" before the first one.
    `retry` is the reconnection time in milliseconds that this block asked for, or None.
    """

    event: str
    data: str
    id: str = ""
    retry: int | None = None

    def json(self) -> Any:
        """`data` read as JSON; None when it is not JSON. Never raises."""
        try:
            return _decode_json(self.data)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None


class SSEDecoder:
    """Feeds on the pieces of one body, cut anywhere. Not thread-safe.

    What is left when the body ends is an unfinished block, which the text says to
    discard: there is nothing to call at the end. An event of more than `max_event_bytes`
    (counted with its field names) raises ProtocolError, after the events before it have
    been handed out; up to twice as much may pass when it comes in one piece.
    """

    __slots__ = (
        "_data",
        "_event",
        "_id",
        "_is_after_cr",
        "_is_too_big",
        "_max_bytes",
        "_opening",
        "_pending_bytes",
        "_rest",
        "_retry",
        "_stray",
    )

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_event_bytes
        self._opening: bytes | None = b""  # first bytes, until we know of a mark
        self._rest: list[bytes] = []  # pieces of the line that has not ended
        self._is_after_cr = False  # an LF that comes next belongs to that CR
        self._pending_bytes = 0
        self._is_too_big = False
        self._data: list[bytes] = []
        self._event = ""
        self._id = ""
        self._retry: int | None = None
        self._stray = bytearray()  # lines that are no field of an event stream

    def feed(self, chunk: bytes) -> list[SSEEvent]:
        """The events that `chunk` completes, in order. Raises ProtocolError (size)."""
        if self._is_too_big:
            raise self._too_big()
        if self._opening is not None:
            chunk = self._without_mark(self._opening + chunk)
        if self._is_after_cr and chunk:
            self._is_after_cr = False
            if chunk[0] == 10:
                chunk = chunk[1:]
        if not chunk:
            return []
        if len(chunk) > self._max_bytes:
            return self._feed_in_slices(chunk)
        end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
        if not end:
            self._rest.append(chunk)
            if self._count(len(chunk)):
                raise self._too_big()
            return []
        self._is_after_cr = chunk[-1] == 13
        # bytes.splitlines knows CR, LF and CRLF only; str.splitlines would also break
        # at U+2028 and its kin, which JSON text may hold raw.
        if self._rest:
            self._rest.append(chunk[:end])
            lines = b"".join(self._rest).splitlines()
            self._rest.clear()
        else:
            lines = (chunk if end == len(chunk) else chunk[:end]).splitlines()
        events = self._interpret(lines)
        if end < len(chunk):
            self._rest.append(chunk[end:])
        if self._count_after(events, chunk, end) and not events:
            raise self._too_big()
        return events

    def stray(self) -> str:
        """What was no field, and the line without an end: to ask once the body is over.

        The text of the standard ignores both; some vendors write the error that broke
        the response there, as plain lines of JSON.
        """
        rest = b"".join(self._rest)[:MAX_STRAY_BYTES]
        return (bytes(self._stray) + rest).decode(errors="replace")

    def _interpret(self, lines: list[bytes]) -> list[SSEEvent]:
        events: list[SSEEvent] = []
        data = self._data
        for line in lines:
            if line[:6] == b"data: ":
                data.append(line[6:])
            elif line:
                self._field(line)
            elif data:
                raw = data[0] if len(data) == 1 else b"\n".join(data)
                try:
                    text = raw.decode()
                except UnicodeDecodeError:
                    text = raw.decode(errors="replace")
                events.append(
                    SSEEvent(self._event or "message", text, self._id, self._retry)
                )
                data.clear()
                self._event = ""
                self._retry = None
            else:  # a block without data dispatches nothing
                self._event = ""
                self._retry = None
        return events

    def _field(self, line: bytes) -> None:
        """Any line that is not the usual `data: …`; comments have an empty name."""
        name, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if name == b"event":
            self._event = value.decode(errors="replace")
        elif name == b"data":
            self._data.append(value)
        elif name == b"id":
            if b"\0" not in value:
                self._id = value.decode(errors="replace")
        elif name == b"retry":
            if value.isdigit() and len(value) < 19:
                self._retry = int(value)
        elif name and len(self._stray) < MAX_STRAY_BYTES:
            self._stray += line[:MAX_STRAY_BYTES] + b"\n"

    def _without_mark(self, opening: bytes) -> bytes:
        """Drop one byte order mark, waiting while the bytes may still be one."""
        if len(opening) < len(_BOM) and _BOM.startswith(opening):
            self._opening = opening
            return b""
        self._opening = None
        return opening.removeprefix(_BOM)

    def _feed_in_slices(self, chunk: bytes) -> list[SSEEvent]:
        events: list[SSEEvent] = []
        for start in range(0, len(chunk), self._max_bytes):
            try:
                events += self.feed(chunk[start : start + self._max_bytes])
            except ProtocolError:
                if not events:
                    raise
                break
        return events

    def _count(self, size: int) -> bool:
        """Add to the size of the unfinished block; whether it is too big now."""
        self._pending_bytes += size
        self._is_too_big = self._pending_bytes > self._max_bytes
        return self._is_too_big

    def _count_after(self, events: list[SSEEvent], chunk: bytes, end: int) -> bool:
        """The same after a piece with ends of lines; exact to the piece it began in."""
        if events:
            self._pending_bytes = sum(map(len, self._data))
            return self._count(len(chunk) - end)
        if self._data or self._rest:
            return self._count(len(chunk))
        self._pending_bytes = 0
        return False

    def _too_big(self) -> ProtocolError:
        return ProtocolError(
            f"The provider sent one event of more than {self._max_bytes} bytes. "
            "What arrived before it is kept."
        )
