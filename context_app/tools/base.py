"""What a tool is, and what it is given. Pure: no database, no Django."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from providers.audit.report import AuditReport

Risk = Literal["low", "medium", "high"]
Arguments = Mapping[str, Any]

MAX_RESULT = 60_000  # characters that a model gets of a result


class ToolError(Exception):
    """It did not work; the message is for the model, and says what to change."""


class ContextAccess(Protocol):
    """The context of the conversation in which a tool was called; of no other."""

    def search(self, words: str, limit: int) -> list[dict[str, Any]]:
        """Parts that have all the words: id, kind, title, is_sent, text around them."""
        ...

    def add(self, title: str, text: str) -> str:
        """A new chunk of material; its id. Raises ToolError."""
        ...

    def remove(self, chunk_id: str) -> str:
        """Take a chunk out of the context; its title. Raises ToolError."""
        ...


AuditedSource = str | Mapping[str, str]


class Place(NamedTuple):
    """A file or directory of the workspace, and what files below it must fit."""

    path: str
    pattern: str = ""


class AuditAccess(Protocol):
    """Code audits on behalf of one allowed call."""

    def __call__(
        self,
        source: AuditedSource,
        name: str,
        floor: str,
        context: ToolContext,
        place: Place | None = None,
    ) -> AuditReport:
        """The report, kept for the person who asked. Ends with `context.stop` and at its
        deadline. `place`: where the source was read. Raises ToolError."""
        ...


def _by_nobody(path: str) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """What a call may use. `workspace` None: the operator gave none. `allows_unlocked`:
    commands may run where this machine offers no sandbox.

    `stop` is set when nobody waits for the result any more: end soon. Times in seconds.
    `refused`: why a rule keeps the file at a path of the workspace from this call, ""
    when none does; for what reads files that the call did not name.
    """

    conversation_id: str
    person_id: Any
    workspace: Path | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    deadline_s: float = 120.0
    allows_unlocked: bool = False
    context: ContextAccess | None = None
    audit: AuditAccess | None = None
    refused: Callable[[str], str] = _by_nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool. `parameters` is a JSON Schema object (without the intent, which is added
    to every tool). `risk`: the least it is, whatever a model says; `risk_of` may raise it
    for given arguments. `target_of`: what it touches, one line, for rules and people.
    `reads_of`: the paths of the workspace that a call would read, one after the other,
    for rules about them; nothing is read yet. Raises ToolError.
    `definition`: for tools that others define and may change, a digest of what it is now,
    which is part of the target: who approved one has not approved the other.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    run: Callable[[Arguments, ToolContext], str]
    risk: Risk = "low"
    risk_of: Callable[[Arguments], Risk] | None = None
    target_of: Callable[[Arguments], str] | None = None
    reads_of: Callable[[Arguments, ToolContext], Iterator[str]] | None = None
    needs_workspace: bool = False
    definition: str = ""

    @property
    def approval_name(self) -> str:
        """What an approval for a conversation is given to."""
        return f"{self.name}@{self.definition}" if self.definition else self.name

    def floor(self, arguments: Arguments) -> Risk:
        """The least risk of this call, by the tool and its arguments."""
        own = self.risk_of(arguments) if self.risk_of else self.risk
        order = ("low", "medium", "high")
        return max(own, self.risk, key=order.index)

    def target(self, arguments: Arguments) -> str:
        """What this call touches; "" for nothing in particular."""
        return self.target_of(arguments)[:2000] if self.target_of else ""


def cut(text: str, limit: int = MAX_RESULT) -> str:
    """A result that fits, with a word about what was left out."""
    if len(text) <= limit:
        return text
    left = len(text) - limit
    return f"{text[:limit]}\n[… {left:,} more characters left out]"
