"""Tool calls that arrive in pieces, from servers that disagree how to number them.

The documented way: pieces carry an `index`, the first one id and name, the others parts
of the arguments. In the wild the index is missing (then the position counts), is 0 for
every parallel call, the id is missing or repeated, and the arguments come as an object.
"""

from __future__ import annotations

from hashlib import blake2s
from typing import Any

import msgspec

from providers.dialects.lenient_json import obj, parse_arguments, string
from providers.events import ToolCallReady


class Call(msgspec.Struct):
    """One call on its way. `said_id`: the server's; `call_id`: no other call has it.
    `whole`: arguments that came as an object."""

    part: int
    call_id: str
    said_id: str = ""
    name: str = ""
    pieces: list[str] = []
    whole: dict[str, Any] | None = None
    is_started: bool = False

    def ready(self, *, is_closed: bool) -> ToolCallReady | None:
        """The finished call; None while its arguments are not whole.

        `is_closed`: the vendor said that it ended its calls, so that what is no JSON
        object now never will be one, and no arguments at all are an empty object.
        """
        if not self.name:
            return None
        text = "".join(self.pieces)
        arguments, raw = (
            (self.whole, None) if self.whole is not None else parse_arguments(text)
        )
        if not is_closed and (raw is not None or not (text.strip() or self.whole)):
            return None
        return ToolCallReady(
            part=self.part,
            call_id=self.call_id,
            name=self.name,
            arguments=arguments,
            arguments_raw=raw,
        )


class Calls:
    """The calls of one response, in order of appearance."""

    __slots__ = ("_by_index", "all")

    def __init__(self) -> None:
        self._by_index: dict[int, Call] = {}
        self.all: list[Call] = []

    def find(self, entry: dict[str, Any], position: int) -> Call | None:
        """The call that a piece belongs to; None when it begins a new one."""
        index = entry.get("index")
        known = self._by_index.get(index if isinstance(index, int) else position)
        if known is None:
            return None
        call_id = string(entry.get("id"))
        is_named = bool(string(obj(entry.get("function")).get("name")))
        if call_id and call_id != known.said_id:
            # Another id: the same call only while it has no id of its own (ours was
            # made up) and no name is given again.
            same = [call for call in self.all if call.said_id == call_id]
            return same[0] if same else None if is_named else known
        if is_named and not call_id and not isinstance(index, int) and known.name:
            return None  # neither index nor id, but a name again: the next call
        return known

    def begin(self, entry: dict[str, Any], position: int, part: int, seed: str) -> Call:
        """A new call. Without an id, or with that of another, whose result it would be
        given, it gets one made from `seed`, the same each time."""
        index = entry.get("index")
        said_id = string(entry.get("id"))
        is_its_own = said_id and all(call.call_id != said_id for call in self.all)
        call_id = said_id if is_its_own else _made_id(seed, len(self.all))
        call = Call(part=part, call_id=call_id, said_id=said_id)
        self._by_index[index if isinstance(index, int) else position] = call
        self.all.append(call)
        return call


def _made_id(seed: str, number: int) -> str:
    """Under 40 characters, the most that OpenAI takes back."""
    digest = blake2s(f"{seed}/{number}".encode(), digest_size=12).hexdigest()
    return f"call_{digest}"
