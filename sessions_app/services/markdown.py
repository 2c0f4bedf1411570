"""A message as Markdown: who, when, and what was said, as it was said. Used by export."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from sessions_app.models import Conversation, Message, Run

# CommonMark 4.5: up to three spaces, then at least three backticks or tildes.
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)\Z")


def front_matter(conversation: Conversation, runs: list[Run | None]) -> list[str]:
    """What the file is, as YAML; strings in JSON's spelling, which YAML understands."""
    by = sorted({f"{run.provider}/{run.model}" for run in runs if run is not None})
    return [
        "---",
        f"title: {json.dumps(conversation.title, ensure_ascii=False)}",
        f"conversation: {conversation.pk}",
        f"created_at: {conversation.created_at.isoformat()}",
        f"updated_at: {conversation.updated_at.isoformat()}",
        f"messages: {len(runs)}",
        f"models: {json.dumps(by, ensure_ascii=False)}",
        "---",
        "",
    ]


def section(message: Message, run: Run | None, *, is_shared: bool = False) -> list[str]:
    """The lines of one message, under a heading of their own."""
    moment = message.created_at.strftime("%Y-%m-%d %H:%M UTC")
    lines = [f"## {_who(message, run, is_shared)} · {moment}", ""]
    for part in message.parts:
        lines += _part(part)
    if run is not None and run.status != Run.Status.DONE:
        cause = " ".join(run.cause.split())
        lines += [f"*{run.status}: {cause}*" if cause else f"*{run.status}*", ""]
    return lines


def _who(message: Message, run: Run | None, is_shared: bool) -> str:
    if message.role == Message.Role.USER:
        return (is_shared and message.author_name) or "You"
    if message.role == Message.Role.TOOL:
        return "Tool"
    if run is None:
        return "Assistant"
    demo = ", demo" if run.is_demo else ""
    return f"Assistant ({run.model}, {run.provider}, {run.credential_name}{demo})"


def _part(part: dict[str, Any]) -> list[str]:
    write = _WRITERS.get(str(part.get("type")))
    return write(part) if write else []


def _text(part: dict[str, Any]) -> list[str]:
    return [_closed(str(part.get("text", ""))), *_sources(part), ""]


def _reasoning(part: dict[str, Any]) -> list[str]:
    if not part.get("text"):
        return []
    # The reasoning must not end its own fold.
    text = _closed(str(part["text"])).replace("</details", "&lt;/details")
    fold = "<details><summary>Reasoning</summary>"
    return [fold, "", text, "", "</details>", ""]


def _call(part: dict[str, Any]) -> list[str]:
    arguments = part.get("arguments_raw") or json.dumps(
        part.get("arguments") or {}, ensure_ascii=False, indent=2
    )
    return [f"Tool call: {part.get('name')}", "", *_block(arguments, "json")]


def _result(part: dict[str, Any]) -> list[str]:
    failed = " (failed)" if part.get("is_error") else ""
    text = str(part.get("text", ""))
    return [f"Result of {part.get('name')}{failed}:", "", *_block(text, "")]


def _server_tool(part: dict[str, Any]) -> list[str]:
    return [f"*{part.get('name')}: {part.get('status')}*", ""]


def _steer(part: dict[str, Any]) -> list[str]:
    quoted = str(part.get("text", "")).replace("\n", "\n> ")
    return ["", f"> **You:** {quoted}", ""]


def _image(part: dict[str, Any]) -> list[str]:
    return [f"*Image {part.get('url') or part.get('media_type') or ''}*", ""]


def _file(part: dict[str, Any]) -> list[str]:
    return [f"*File {part.get('name')}*", ""]


# By the tag of the part (`providers.types`); a part of a newer version is left out.
_WRITERS: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "text": _text,
    "refusal": _text,
    "reasoning": _reasoning,
    "tool_call": _call,
    "tool_result": _result,
    "server_tool": _server_tool,
    "steer": _steer,
    "image": _image,
    "file": _file,
}


def _sources(part: dict[str, Any]) -> list[str]:
    cited = {
        c["url"]: c.get("title") for c in part.get("citations", ()) if c.get("url")
    }
    if not cited:
        return []
    links = [f"- [{_label(title or url)}](<{url}>)" for url, title in cited.items()]
    return ["", *links]


def _label(text: str) -> str:
    return re.sub(r"([\\\[\]])", r"\\\1", " ".join(text.split()))


def _block(text: str, language: str) -> list[str]:
    """A code block whose fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence + language, text, fence, ""]


def _closed(text: str) -> str:
    """The text, with the fence closed that a stopped answer left open."""
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if found is None:
            continue
        marks, rest = found.groups()
        if not fence:
            fence = marks
        elif marks[0] == fence[0] and len(marks) >= len(fence) and not rest.strip():
            fence = ""
    return f"{text.rstrip()}\n{fence}" if fence else text
