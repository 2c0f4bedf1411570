"""`manage.py inspect_stream --dialect NAME [--json] FILE…|-`

What Maestro understands of captured streams. For a developer with a `.sse` file and a
question, and for tests that hold every dialect to recorded streams. With `--json` one
document a line, in the order of the files:

    {"text", "reasoning", "tool_calls": [{"id", "name", "arguments"}],
     "usage": {"input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens"},
     "usage_raw", "stop_reason", "stop_reason_raw",
     "error": null or {"type", "message"}, "events": n}

`usage` is normalised (input with cached, output with reasoning tokens), `usage_raw` the
vendor's own; both are null where the vendor sent none. Exit status: 0 when every file
finished cleanly, 3 for an error or a cut, 2 for bad usage. Needs no database.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec
from django.core.management.base import BaseCommand, CommandError

from providers.accumulate import Accumulator
from providers.events import ErrorInfo
from providers.streaming import DIALECTS, parse_stream
from providers.types import ServerToolPart

EXIT_BAD_USAGE = 2
EXIT_BROKEN_STREAM = 3
_CHUNK_BYTES = 65_536
_COUNTS = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens")

# A captured answer is somebody else's text: it must not drive the reader's terminal.
_UNPRINTABLE = dict.fromkeys((*range(32), *range(127, 160)), "�")
_UNPRINTABLE.pop(ord("\n"))
_UNPRINTABLE.pop(ord("\t"))


class Command(BaseCommand):
    """See the module's docstring."""

    help = "Show what Maestro understands of captured streams."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dialect", required=True, choices=DIALECTS, help="the wire they speak"
        )
        parser.add_argument(
            "--json", action="store_true", help="one JSON document a line"
        )
        parser.add_argument(
            "files", nargs="+", metavar="FILE", help="a captured body; - is stdin"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        files: list[str] = options["files"]
        _check(files)
        is_broken = False
        for name in files:
            found = inspect(name, options["dialect"])
            is_broken = is_broken or found.error is not None
            if options["json"]:
                self.stdout.write(msgspec.json.encode(document(found)).decode())
            else:
                self.stdout.write(described(name, found).translate(_UNPRINTABLE))
        if is_broken:
            sys.exit(EXIT_BROKEN_STREAM)


def inspect(name: str, dialect: str) -> Accumulator:
    """One captured stream, folded. Raises CommandError when it cannot be read."""
    found = Accumulator()
    with _opened(name) as stream:
        chunks = iter(lambda: stream.read(_CHUNK_BYTES), b"")
        for event in parse_stream(chunks, dialect):
            found.add(event)
    return found


def document(found: Accumulator) -> dict[str, Any]:
    """The JSON document of one stream."""
    usage = found.usage
    return {
        "text": found.text,
        "reasoning": found.reasoning,
        "tool_calls": [
            {"id": call.call_id, "name": call.name, "arguments": call.arguments}
            | (
                {}
                if call.arguments_raw is None
                else {"arguments_raw": call.arguments_raw}
            )
            for call in found.tool_calls
        ],
        "usage": {name: getattr(usage, name) for name in _COUNTS} if usage else None,
        "usage_raw": usage.raw if usage else None,
        "stop_reason": found.finished.stop_reason if found.finished else None,
        "stop_reason_raw": found.stop_reason_raw,
        "error": _error(found.error) if found.error else None,
        "events": found.events,
    }


def described(name: str, found: Accumulator) -> str:
    """The same for a person."""
    shown = document(found)
    lines = [f"{name}: {found.events} events"]
    if found.model:
        lines.append(f"model: {found.model}")
    for key in ("reasoning", "text"):
        if shown[key]:
            lines.append(f"{key}:\n{_indented(shown[key])}")
    if found.refusal:
        lines.append(f"refusal:\n{_indented(found.refusal)}")
    for call in found.tool_calls:
        arguments = msgspec.json.encode(call.arguments).decode()
        lines.append(f"tool call {call.call_id}: {call.name} {arguments}")
        if call.arguments_raw is not None:
            lines.append(f"  not a JSON object: {call.arguments_raw}")
    for part in found.parts():
        if isinstance(part, ServerToolPart):
            lines.append(f"vendor's tool {part.call_id}: {part.name} {part.status}")
    for citation in found.citations:
        lines.append(f"source: {citation.title} {citation.url}".rstrip())
    if shown["usage"]:
        numbers = (f"{k} {v}" for k, v in shown["usage"].items() if v is not None)
        lines.append(f"usage: {', '.join(numbers)}")
    if shown["error"]:
        lines.append(f"error: {shown['error']['type']}: {shown['error']['message']}")
    else:
        lines.append(f"finished: {shown['stop_reason']} ({shown['stop_reason_raw']})")
    return "\n".join(lines) + "\n"


def _error(error: ErrorInfo) -> dict[str, str]:
    """In the vendor's words where it has any: `type` is its type, or else its code."""
    kind = error.vendor_type or error.vendor_code or error.kind
    return {"type": kind, "message": error.vendor_message or error.message}


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))


def _check(files: list[str]) -> None:
    """All names before the first stream: bad usage shows nothing half done."""
    if files.count("-") > 1:
        raise CommandError("Standard input (-) can be read once.", returncode=2)
    for name in files:
        if name != "-" and not Path(name).is_file():
            raise CommandError(f"There is no file {name!r}.", returncode=EXIT_BAD_USAGE)


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(name).open("rb") as stream:
            yield stream
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise CommandError(
            f"{name!r} cannot be read: {reason}.", returncode=EXIT_BAD_USAGE
        ) from exc
