"""Changing the workspace: a whole file, or a unified diff over several."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from context_app.tools import _diff, _paths
from context_app.tools.base import Arguments, Risk, Tool, ToolContext, ToolError, cut
from context_app.tools.workspace_files import PATH, schema

_MAX_DIFFED = 5_000  # lines; longer files are compared by their counts


def _write(arguments: Arguments, context: ToolContext) -> str:
    root = _paths.root_of(context)
    parts = _paths.parts_of(arguments.get("path"))
    content = arguments.get("content")
    if not isinstance(content, str):
        raise ToolError("content must be a text.")
    data = _encoded(content)
    _paths.may_write(root, parts)
    before = _before(root, parts)
    _paths.write(root, parts, data)
    name = _paths.shown("/".join(parts))
    if before is None:
        return f"Made {name}: {_lines(content)} lines, {len(data):,} bytes."
    if before.data == data:
        return f"{name} was like that already."
    if before.is_binary:
        return f"Replaced {name}, which was binary: {len(data):,} bytes now."
    added, removed = _changed(before.text, content)
    return (
        f"Wrote {name}: {added} lines added, {removed} removed; "
        f"{_lines(content)} lines, {len(data):,} bytes now."
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """One file of a patch, worked out and not yet written."""

    change: _diff.FileDiff
    parts: tuple[str, ...]
    before: _paths.Content | None
    after: bytes | None  # None: the file goes


def _patch(arguments: Arguments, context: ToolContext) -> str:
    root = _paths.root_of(context)
    text = arguments.get("patch")
    if not isinstance(text, str) or len(text) > _paths.MAX_FILE:
        raise ToolError("patch must be a text: a unified diff.")
    steps = [_worked_out(root, change) for change in _diff.parse(text)]
    done: list[_Step] = []
    try:
        for step in steps:
            _do(root, step)
            done.append(step)
    except ToolError as exc:
        # Seldom: the disk is full, or somebody else works here. All or nothing.
        left = [_name(step) for step in reversed(done) if not _undone(root, step)]
        if left:
            stay = "stays" if len(left) == 1 else "stay"
            raise ToolError(
                f"{exc} What was done before could not all be taken back: "
                f"{', '.join(left)} {stay} changed. Read it again before you go on."
            ) from None
        raise ToolError(f"Nothing was changed: {exc}") from None
    rows = [
        f"{_name(step)}: {step.change.added} lines added, "
        f"{step.change.removed} removed{_fate(step)}"
        for step in steps
    ]
    return cut("\n".join([f"{len(rows)} files changed", *rows]))


def _worked_out(root: str, change: _diff.FileDiff) -> _Step:
    parts = _paths.parts_of(change.path)
    name = _paths.shown("/".join(parts))
    _paths.may_write(root, parts)
    before = _before(root, parts)
    if change.old_path is None and before is not None:
        raise ToolError(f"Nothing was changed: {name} is to be made and exists.")
    if change.old_path is not None and before is None:
        raise ToolError(f"Nothing was changed: there is no {name} in the workspace.")
    old = _exact_text(before, name) if before is not None else ""
    after = _diff.apply(change, old)
    if change.new_path is None:
        if after:
            raise ToolError(f"Nothing was changed: {name} has more than is removed.")
        return _Step(change, parts, before, None)
    return _Step(change, parts, before, _encoded(after))


def _do(root: str, step: _Step) -> None:
    now = _before(root, step.parts)
    if (now and now.data) != (step.before and step.before.data):
        raise ToolError(f"{step.change.path} was changed by somebody else meanwhile.")
    if step.after is None:
        _paths.remove(root, step.parts)
    else:
        _paths.write(root, step.parts, step.after)


def _undone(root: str, step: _Step) -> bool:
    """Whether the file is again what it was."""
    try:
        if step.before is None:
            _paths.remove(root, step.parts)
        else:
            _paths.write(root, step.parts, step.before.data, mode=step.before.mode)
    except ToolError:
        return False
    return True


def _name(step: _Step) -> str:
    return _paths.shown(step.change.path)


def _before(root: str, parts: tuple[str, ...]) -> _paths.Content | None:
    """What is there now; None for nothing."""
    try:
        return _paths.read(root, "/".join(parts), follow=False)
    except _paths.Missing:
        return None


def _exact_text(content: _paths.Content, name: str) -> str:
    """The text, when it can be written again byte by byte."""
    try:
        return content.data.decode()
    except UnicodeDecodeError:
        raise ToolError(f"Nothing was changed: {name} is not UTF-8 text.") from None


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ToolError("The text has half a surrogate pair in it.") from None


def _lines(text: str) -> int:
    return text.count("\n") + bool(text and not text.endswith("\n"))


def _changed(before: str, after: str) -> tuple[int, int]:
    """(lines added, lines removed)."""
    old, new = before.split("\n"), after.split("\n")
    if len(old) + len(new) > _MAX_DIFFED:
        start = _common(old, new)
        end = _common(old[start:][::-1], new[start:][::-1])
        return len(new) - start - end, len(old) - start - end
    added = removed = 0
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=True)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            removed += i2 - i1
            added += j2 - j1
    return added, removed


def _common(one: list[str], other: list[str]) -> int:
    pairs = zip(one, other, strict=False)
    return next(
        (at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other))
    )


def _fate(step: _Step) -> str:
    if step.after is None:
        return " (removed)"
    return " (new)" if step.before is None else ""


def _write_risk(arguments: Arguments) -> Risk:
    return "high" if _paths.is_powerful(arguments.get("path")) else "medium"


def _patched(arguments: Arguments) -> list[str]:
    """The files of a patch; a patch that cannot be read changes none."""
    try:
        return [change.path for change in _diff.parse(str(arguments.get("patch", "")))]
    except ToolError:
        return []


def _patch_risk(arguments: Arguments) -> Risk:
    paths = _patched(arguments)
    return "high" if any(_paths.is_powerful(path) for path in paths) else "medium"


def _patch_target(arguments: Arguments) -> str:
    return ", ".join(_paths.spelled(path) for path in _patched(arguments))


tools = [
    Tool(
        name="write_file",
        description="Write a text file of the workspace, whole; makes directories.",
        parameters=schema(
            ["path", "content"],
            path=PATH,
            content={"type": "string", "description": "The whole new text."},
        ),
        run=_write,
        risk="medium",
        risk_of=_write_risk,
        target_of=lambda arguments: _paths.spelled(arguments.get("path")),
        needs_workspace=True,
    ),
    Tool(
        name="apply_patch",
        description=(
            "Change files of the workspace by a unified diff, as `diff -u` and `git diff` "
            "write it. All of it fits, or nothing is changed."
        ),
        parameters=schema(
            ["patch"],
            patch={
                "type": "string",
                "description": (
                    "--- a/path, +++ b/path, @@ -1,3 +1,4 @@ and lines that begin with a "
                    "space, + or -. /dev/null makes or removes a file."
                ),
            },
        ),
        run=_patch,
        risk="medium",
        risk_of=_patch_risk,
        target_of=_patch_target,
        needs_workspace=True,
    ),
]
