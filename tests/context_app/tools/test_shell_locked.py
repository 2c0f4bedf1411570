"""Without a sandbox a command does not run, unless the operator says so."""

import pytest

from context_app.tools import _sandbox, shell
from context_app.tools.base import ToolContext, ToolError


@pytest.mark.parametrize("allows", [True, False])
def test_a_machine_without_a_sandbox_runs_nothing_unasked(
    tmp_path, monkeypatch, allows
):
    monkeypatch.setattr(_sandbox, "can_isolate", lambda: False)
    context = ToolContext(
        conversation_id="c", person_id=1, workspace=tmp_path, allows_unlocked=allows
    )
    arguments = {"command": "echo here > seen.txt"}
    if allows:
        assert "without a sandbox" in shell.tool.run(arguments, context)
    else:
        with pytest.raises(ToolError, match="offers no sandbox"):
            shell.tool.run(arguments, context)
    assert (tmp_path / "seen.txt").exists() is allows
