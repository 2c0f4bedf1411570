"""A code audit as a tool: of a text, or of a file or directory of the workspace.

The audit itself is asked of whoever runs the tools (`ToolContext.audit`), which decides
about credentials and keeps the report. Also how a directory of the workspace becomes
texts by path, for every door that audits one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from context_app.tools import _paths
from context_app.tools._tree import Entry, Walk, matcher
from context_app.tools.base import (
    Arguments,
    AuditedSource,
    Place,
    Risk,
    Tool,
    ToolContext,
    ToolError,
    cut,
)
from providers.audit import SEVERITIES, AuditReport, Finding
from providers.audit.selection import why_not

MAX_FILES = 2_000
MAX_CHARS = 4_000_000
MAX_NAMED = 20  # files of one kind that were not audited
_SHOWN = ("rule", "severity", "confidence", "file", "start_line", "end_line", "symbol",
          "state", "evidence", "explanation", "suggestion", "fingerprint")  # fmt: skip


@dataclass(slots=True)
class Gathered:
    """Texts by path, from the workspace on, and what was not taken, with the reason:
    `refused` by a rule, or `left_out` because it is no code."""

    files: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def gather(context: ToolContext, path: object, pattern: object = None) -> Gathered:
    """A file, or the code below a directory. Raises ToolError.

    Links are not followed below a directory, hidden things and files that usually hold
    secrets are not taken: name them to have them audited. What a rule refuses is not
    opened, by whatever name or link it is reached.
    """
    root = _paths.root_of(context)
    real = _paths.real_parts(root, _paths.parts_of(path or "."))
    for name in (str(path or "."), "/".join(real)):
        if why := context.refused(name):
            raise ToolError(f"This is not audited here: {why}")
    if os.path.isdir(os.path.join(root, *real)):
        return _below(context, path, pattern)
    content = _paths.read(root, path)
    if content.is_binary:
        raise ToolError(f"{_paths.shown(content.name)} is binary.")
    return Gathered({_paths.shown(content.name): content.text})


def _below(context: ToolContext, path: object, pattern: object) -> Gathered:
    found = Gathered()
    start = path or "."
    size = 0
    walk = Walk(context, start, hidden=False, depth=60)
    for entry in _wanted(walk, context, start, pattern):
        name = entry.name
        if refusal := context.refused(name):
            found.refused[name] = refusal
            continue
        content, why = _read(entry)
        if content is None:
            found.left_out[name] = why
            continue
        size += len(content.text)
        if size > MAX_CHARS or len(found.files) >= MAX_FILES:
            raise ToolError(
                f"{_paths.spelled(start)} has more than {MAX_FILES:,} files or "
                f"{MAX_CHARS:,} characters of code. Choose a directory below it."
            )
        found.files[name] = content.text
    if walk.is_cut:
        raise ToolError(
            f"{_paths.spelled(start)} is too large to walk. Choose a directory below it."
        )
    if not found.files and found.refused:
        raise ToolError(f"A rule refuses all the code in {_paths.spelled(start)}.")
    if not found.files:
        raise ToolError(f"There is no code in {_paths.spelled(start)}.")
    return found


def _wanted(
    walk: Walk, context: ToolContext, start: object, pattern: object
) -> Iterator[Entry]:
    """The files of a walk from `start` that fit the pattern, if there is one."""
    above = len(_paths.real_parts(_paths.root_of(context), _paths.parts_of(start)))
    wanted = matcher(pattern) if pattern else None
    for entry in walk:
        if entry.kind == "file" and (
            wanted is None or wanted.fits(entry.parts[above:])
        ):
            yield entry


def _reads(arguments: Arguments, context: ToolContext) -> Iterator[str]:
    """What would be audited, by whatever name."""
    path = arguments.get("path")
    if not path:
        return
    root = _paths.root_of(context)
    real = _paths.real_parts(root, _paths.parts_of(path))
    yield from dict.fromkeys((_paths.spelled(path), "/".join(real) or "."))
    if os.path.isdir(os.path.join(root, *real)):
        walk = Walk(context, path, hidden=False, depth=60)
        for entry in _wanted(walk, context, path, arguments.get("pattern")):
            if not _no_code(entry):
                yield entry.name


def _no_code(entry: Entry) -> str:
    """Why a file is left out, by its name; "" when it is not."""
    if _paths.is_secret(entry.name):
        return "it may hold secrets"
    return why_not(entry.name, entry.size)


def _read(entry: Entry) -> tuple[_paths.Content | None, str]:
    """(the file, "") or (None, why it is left out)."""
    if why := _no_code(entry):
        return None, why
    try:
        content = _paths.read_at(entry.parent, entry.parts[-1], entry.name)
    except (ToolError, OSError):
        return None, "it cannot be read"
    return (None, "it is binary") if content.is_binary else (content, "")


def _run(arguments: Arguments, context: ToolContext) -> str:
    if context.audit is None:
        raise ToolError("Audits are not available in this call.")
    text, path = str(arguments.get("text") or ""), arguments.get("path")
    if bool(text.strip()) == bool(path):
        raise ToolError("Give either `path` or `text`.")
    floor = str(arguments.get("severity_floor") or "info")
    if floor not in SEVERITIES:
        raise ToolError(f"severity_floor is one of {', '.join(SEVERITIES)}.")
    name = " ".join(str(arguments.get("name") or "").split())
    source: AuditedSource = text
    gathered, place = Gathered(), None
    if path:
        place = Place(_paths.spelled(path), str(arguments.get("pattern") or ""))
        gathered = gather(context, path, arguments.get("pattern"))
        source = gathered.files
        name = name or _paths.spelled(path)
    name = name or "source"
    report = context.audit(source, name, floor, context, place)
    return _told(report, name, gathered)


def _told(report: AuditReport, name: str, gathered: Gathered) -> str:
    """The report for a model: a head, then one finding a line."""
    counts = ", ".join(f"{n} {word}" for word, n in report.counts.items() if n)
    score = "none (not everything was read)"
    if report.score is not None:
        score = f"{report.score} of 100"
    head = [
        f"Audit by {report.model}: {counts or 'no findings'}; score {score}; "
        f"{len(report.files)} files read.",
        f"The person finds the report under Audits as “{name}”.",
    ]
    if report.was_cancelled:
        head.append("It was ended before everything was read.")
    if report.comparison is not None:
        c = report.comparison
        head.append(
            f"Since the last audit: {c.new} new, {c.unchanged} unchanged, "
            f"{len(c.fixed)} fixed."
        )
    unread = [part for part in report.not_read if part.is_failure]
    head += [f"Not read: {part.file}: {part.why}" for part in unread[:MAX_NAMED]]
    if gathered.left_out:
        head.append(f"{len(gathered.left_out)} files that are no code were left out.")
    head += _refused(gathered.refused)
    return cut("\n".join([*head, *map(_line, report.findings)]))


def _refused(files: dict[str, str]) -> list[str]:
    named = [f"Not audited: {name}: {why}" for name, why in files.items()]
    more = len(named) - MAX_NAMED
    if more > 0:
        named[MAX_NAMED:] = [f"Not audited: {more} more files that a rule refuses."]
    return named


def _line(finding: Finding) -> str:
    shown = {name: getattr(finding, name) for name in _SHOWN}
    return json.dumps({k: v for k, v in shown.items() if v}, ensure_ascii=False)


def _target(arguments: Arguments) -> str:
    path = arguments.get("path")
    if path:
        return _paths.spelled(path)
    return f"text of {len(str(arguments.get('text') or '')):,} characters"


def _risk(arguments: Arguments) -> Risk:
    """It costs as much as many answers; and what is read goes to a vendor."""
    return "high" if _paths.is_secret(arguments.get("path")) else "medium"


_PROPERTIES: dict[str, Any] = {
    "path": {
        "type": "string",
        "description": "A file or directory of the workspace, as in src/app.",
    },
    "pattern": {
        "type": "string",
        "description": "Only files below `path` that fit, as in **/*.py.",
    },
    "text": {
        "type": "string",
        "description": "Code or a unified diff, instead of `path`.",
    },
    "name": {
        "type": "string",
        "description": "What later audits of the same source are compared by. Default: "
        "the path. For a text, a file name such as login.py also tells its language.",
    },
    "severity_floor": {
        "type": "string",
        "enum": list(SEVERITIES),
        "description": "Leave out what is milder. Default: info.",
    },
}

tools = [
    Tool(
        name="code_audit",
        description="Have code audited for defects and security holes: findings with rule, "
        "severity, file, lines, evidence, explanation and suggestion, and what is new or "
        "fixed since the last audit of the same source. Takes minutes and costs tokens.",
        parameters={
            "type": "object",
            "properties": _PROPERTIES,
            "required": [],
            "additionalProperties": False,
        },
        run=_run,
        reads_of=_reads,
        risk="medium",
        risk_of=_risk,
        target_of=_target,
    ),
]
