"""One command line in the workspace, bounded and, where the machine can, locked in."""

from __future__ import annotations

from context_app.tools import _paths, _sandbox, _shell_risk
from context_app.tools.base import Arguments, Tool, ToolContext, ToolError
from context_app.tools.workspace_files import schema, whole

_MAX_COMMAND = 10_000  # characters
_MAX_S = 600
_ENDED = {
    "time": "It took too long and was ended, with everything it had started.",
    "stop": "It was stopped, with everything it had started.",
}


def _run(arguments: Arguments, context: ToolContext) -> str:
    command = arguments.get("command")
    if not isinstance(command, str) or not 0 < len(command) <= _MAX_COMMAND:
        raise ToolError(f"command must be a text of 1 to {_MAX_COMMAND} characters.")
    if "\0" in command or not _is_unicode(command):
        raise ToolError("The command has a character that no command can have.")
    asked_s = whole(
        arguments, "timeout_s", int(min(context.deadline_s, _MAX_S)), 1, _MAX_S
    )
    workspace = _paths.root_of(context)
    if workspace == "/":
        raise ToolError("The workspace must not be the root directory.")
    if not context.allows_unlocked and not _sandbox.can_isolate():
        raise ToolError(
            "The command was not started: this machine offers no sandbox, and the operator "
            "does not allow commands without one."
        )
    try:
        ran = _sandbox.run(
            command,
            workspace,
            timeout_s=min(asked_s, context.deadline_s),
            stop=context.stop,
        )
    except _sandbox.CannotRun as exc:
        raise ToolError(f"The command was not started: {exc}.") from None
    where = (
        "in a sandbox: no network, only the workspace and /tmp can be written"
        if ran.is_sandboxed
        else "without a sandbox: this machine offers none"
    )
    rows = [f"Exit status {ran.status} after {ran.took_s:.1f} s ({where})."]
    if ran.ended_by:
        rows.append(_ENDED[ran.ended_by])
    rows.append(f"Output:\n{ran.output}" if ran.output else "No output.")
    return "\n".join(rows)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


tool = Tool(
    name="shell",
    description=(
        "Run a command line with /bin/sh in the workspace and get its exit status and "
        "output. No input, no terminal, a small environment; everything it starts ends "
        "with it."
    ),
    parameters=schema(
        ["command"],
        command={"type": "string", "description": "As typed in a shell."},
        timeout_s={
            "type": "integer",
            "description": "Seconds until it is ended, 1 to 600; the operator's limit holds.",
        },
    ),
    run=_run,
    risk="medium",
    risk_of=lambda arguments: _shell_risk.risk_of(arguments.get("command")),
    # Whole, in one line: a rule that fits its beginning must see its end as well.
    target_of=lambda arguments: _shell_risk.one_line(arguments.get("command")),
    needs_workspace=True,
)
