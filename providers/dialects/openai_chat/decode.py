"""The Chat Completions stream → typed events.

    chunk* ─ chunk with finish_reason ─ (chunk with usage) ─ [DONE] ─ end of body

The wire has no blocks: a part of our message ends where another kind of content begins.
`finish_reason` ends the answer, but usage may follow it, `[DONE]` may be missing, and
some servers repeat the reason. So the terminal event is made at `[DONE]` or at the end of
the body. `[DONE]` alone is taken as an end only when something whole was said before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from providers.dialects.failures import gave_up, malformed, vendor_error
from providers.dialects.lenient_json import array, obj, string
from providers.dialects.openai_chat.calls import Calls
from providers.dialects.openai_chat.quirks import DEFAULT, Quirks
from providers.dialects.openai_chat.wire import (
    STOP_REASONS,
    Choice,
    Chunk,
    Delta,
    delta_of,
    details_text,
    merge_details,
    read,
    split_content,
    usage,
)
from providers.dialects.openai_common import write_arguments
from providers.events import (
    Citation,
    Event,
    Finished,
    OpaqueState,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamError,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from providers.http.sse import SSEEvent
from providers.streaming import cut


class ChatDecoder:
    """One response's decoder; see `providers.interface.Decoder`."""

    __slots__ = (
        "_calls",
        "_details",
        "_details_part",
        "_finish_reason",
        "_has_refused",
        "_has_started",
        "_kind",
        "_last_usage",
        "_over",
        "_part",
        "_quirks",
        "_response_id",
        "_sources",
        "_text_part",
    )

    def __init__(self, quirks: Quirks = DEFAULT) -> None:
        self._quirks = quirks
        self._part = -1  # number of the part being written
        self._kind = ""  # and its kind
        self._text_part = 0
        self._calls = Calls()
        self._details: list[dict[str, Any]] = []
        self._details_part = -1
        self._sources: tuple[Any, Any] | None = None
        self._last_usage: Any = None
        self._finish_reason: str | None = None
        self._response_id = ""
        self._has_started = False
        self._has_refused = False
        self._over = False

    def feed(self, sse: SSEEvent) -> Iterable[Event]:
        """The events that one wire event means."""
        if self._over:
            return ()
        data = sse.data
        if data.startswith("[DONE]"):
            return self._settle(is_marked=True)
        chunk = read(data)
        if chunk is None:
            if sse.event in ("ping", "keepalive", "keep-alive"):
                return ()
            return self._fail(malformed(self._quirks.provider))
        events: list[Event] = []
        if not self._has_started and (chunk.id or chunk.model):
            self._has_started = True
            self._response_id = chunk.id or ""
            events.append(
                Started(response_id=self._response_id, model=chunk.model or "")
            )
        if chunk.choices:
            for choice in chunk.choices:
                if not choice.index:  # an answer beside ours, unasked, is not mixed in
                    self._choice(choice, events)
        self._rare(chunk, events)
        if chunk.error:
            events += self._fail(vendor_error(self._quirks.provider, chunk.error))
        elif sse.event == "error" and not chunk.choices:
            error = obj(msgspec.Raw(data.encode()))
            events += self._fail(vendor_error(self._quirks.provider, error))
        return events

    def finish(self) -> Iterable[Event]:
        """The body ended: an end if a finish reason came, else a cut."""
        return () if self._over else self._settle(is_marked=False)

    def _rare(self, chunk: Chunk, events: list[Event]) -> None:
        raw = chunk.usage or obj(chunk.x_groq).get("usage")
        if raw and isinstance(raw, dict) and raw != self._last_usage:
            self._last_usage = raw
            events.append(usage(raw))
        if bytes(chunk.citations):
            self._sources = (chunk.citations, chunk.search_results)

    def _choice(self, choice: Choice, events: list[Event]) -> None:
        delta = choice.delta
        if delta is None and self._part < 0:
            # A server that does not stream sends the whole message at once.
            delta = delta_of(obj(choice.message))
        if delta is not None:
            self._delta(delta, events)
        if choice.finish_reason:
            self._finish_reason = choice.finish_reason

    def _delta(self, delta: Delta, events: list[Event]) -> None:
        reasoning = delta.reasoning or delta.reasoning_content
        if delta.reasoning_details:
            reasoning = self._keep_details(array(delta.reasoning_details), reasoning)
        if reasoning and type(reasoning) is str:
            part = self._enter("reasoning")
            events.append(ReasoningDelta(text=reasoning, part=part))
        content = delta.content
        if content:
            if type(content) is str:
                events.append(TextDelta(text=content, part=self._enter("text")))
            else:
                self._pieces(content, events)
        if delta.refusal and type(delta.refusal) is str:
            self._has_refused = True
            part = self._enter("refusal")
            events.append(RefusalDelta(text=delta.refusal, part=part))
        if delta.tool_calls:
            for position, entry in enumerate(map(obj, array(delta.tool_calls))):
                self._call(entry, position, events)
        if delta.annotations:
            events += self._annotations(array(delta.annotations))

    def _enter(self, kind: str) -> int:
        """The number of the part that content of this kind belongs to now."""
        if kind != self._kind:
            self._part += 1
            self._kind = kind
            if kind == "text":
                self._text_part = self._part
        return self._part

    def _pieces(self, content: Any, events: list[Event]) -> None:
        for kind, text in split_content(content):
            if not text:
                continue
            part = self._enter(kind)
            if kind == "reasoning":
                events.append(ReasoningDelta(text=text, part=part))
            else:
                events.append(TextDelta(text=text, part=part))

    def _keep_details(self, details: list[Any], reasoning: Any) -> Any:
        """Keep what must go back; the reasoning text of this delta."""
        merge_details(self._details, details)
        reasoning = reasoning or details_text(details)
        if self._details_part < 0:  # a signature may come when the text has begun
            self._details_part = self._enter("reasoning")
        return reasoning

    def _call(self, entry: dict[str, Any], position: int, events: list[Event]) -> None:
        function = obj(entry.get("function"))
        call = self._calls.find(entry, position)
        if call is None:
            self._kind = "tool_call"
            self._part += 1
            call = self._calls.begin(entry, position, self._part, self._response_id)
        if not call.name:
            call.name = string(function.get("name"))
        if call.name and not call.is_started:
            call.is_started = True
            events.append(
                ToolCallStarted(part=call.part, call_id=call.call_id, name=call.name)
            )
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            call.whole = arguments
            arguments = write_arguments(arguments, None)
        elif isinstance(arguments, str) and arguments:
            call.pieces.append(arguments)
        else:
            return
        if call.is_started:
            events.append(
                ToolCallDelta(part=call.part, call_id=call.call_id, text=arguments)
            )

    def _annotations(self, notes: list[Any]) -> list[Event]:
        found: list[Event] = []
        for note in map(obj, notes):
            source = obj(note.get("url_citation")) or note
            found.append(
                Citation(
                    part=self._text_part,
                    kind=string(note.get("type")) or "url_citation",
                    url=string(source.get("url")),
                    title=string(source.get("title")),
                    cited_text=string(source.get("content")),
                    raw=note,
                )
            )
        return found

    def _listed_sources(self) -> list[Event]:
        """Perplexity's list of sources, which every chunk repeats: given once."""
        if self._sources is None:
            return []
        urls, results = map(array, self._sources)
        known = {string(obj(result).get("url")): obj(result) for result in results}
        self._sources = None
        return [
            Citation(
                part=self._text_part,
                kind="search_result",
                url=url,
                title=string(known.get(url, {}).get("title")),
                raw=known.get(url) or {"url": url},
            )
            for url in urls
            if isinstance(url, str)
        ]

    def _fail(self, error: StreamError) -> list[Event]:
        self._over = True
        return [*self._listed_sources(), error]

    def _settle(self, *, is_marked: bool) -> list[Event]:
        """The response is over: the calls, the state, and how it ended."""
        reason = self._finish_reason
        if reason == "error":
            return self._fail(gave_up(self._quirks.provider, reason))
        is_closed = reason in ("stop", "tool_calls", "function_call")
        ready = [call.ready(is_closed=is_closed) for call in self._calls.all]
        if reason is None and (not is_marked or self._part < 0 or None in ready):
            return self._fail(StreamError(error=cut(self._quirks.provider)))
        self._over = True
        events = self._listed_sources()
        if self._details:
            state = {"reasoning_details": self._details}
            part = self._details_part
            events.append(OpaqueState(part=part, kind="reasoning", state=state))
        calls = [call for call in ready if call is not None]
        events += calls
        stop_reason = STOP_REASONS.get(reason or "", "other")
        if calls and reason in ("stop", None):  # some end their calls like an answer
            stop_reason = "tool_use"
        elif stop_reason == "stop" and self._has_refused:
            stop_reason = "refusal"
        events.append(Finished(stop_reason=stop_reason, stop_reason_raw=reason))
        return events


def decoder(quirks: Quirks = DEFAULT) -> ChatDecoder:
    """A fresh decoder."""
    return ChatDecoder(quirks)
