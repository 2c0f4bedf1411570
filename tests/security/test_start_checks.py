"""S-43, S-70, S-72: what would hurt later is refused at the start, or cannot be written."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.db import connection

from maestro import checks

ROOT = Path(settings.BASE_DIR)

# The modules that begin processes, and whose word that is. Nobody's but the operator's:
# who may write a chat, a rule or a credential starts nothing by it.
STARTS_PROCESSES = {
    "maestro/start.py": "the command of the operator",
    "maestro/supervisor.py": "the processes of the installation",
    "maestro/worker.py": "the same: its children",
    "maestro/proof/stage.py": "the proof against the emulator, by the operator's command",
    "context_app/documents/read.py": "the reader of one file, a fixed program in bounds",
    "providers/conformance/process.py": "the emulator, for a check by command",
    "context_app/tools/_sandbox.py": "a command that a person approved, in the workspace",
    "context_app/tools/_sandbox_child.py": "the same, inside the sandbox",
    "context_app/tools/workspace_search.py": "a search in the workspace, a fixed program",
    "context_app/mcp/stdio_link.py": "MCP servers of the operator's own file",
    "context_app/mcp/_keeper.py": "the same, so that nothing of them is left",
}
CALLS = {"Popen", "system", "popen", "fork", "forkpty", "posix_spawn", "execv", "execve",
         "execvp", "execvpe", "spawnv", "create_subprocess_exec", "create_subprocess_shell",
         "check_output", "check_call"}  # fmt: skip


def starts_processes(text: str) -> bool:
    """Whether a module has the means to begin one."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import) and any(
            alias.name in ("subprocess", "pty", "multiprocessing")
            for alias in node.names
        ):
            return True
        if isinstance(node, ast.ImportFrom) and node.module in (
            "subprocess",
            "pty",
            "multiprocessing",
        ):
            return True
        if (
            isinstance(node, ast.Attribute)
            and node.attr in CALLS
            and isinstance(node.value, ast.Name)
            and node.value.id in ("os", "asyncio")
        ):
            return True
    return False


@pytest.mark.parametrize(
    "text",
    [
        "import subprocess",
        "from subprocess import run",
        "os.execv('x', [])",
        "os.fork()",
    ],
)
def test_the_check_itself_finds_a_process(text: str) -> None:
    assert starts_processes(text)


def test_processes_begin_in_these_places_and_in_no_other() -> None:
    found = {
        str(path.relative_to(ROOT))
        for folder in ("maestro", "providers", "sessions_app", "context_app")
        for path in (ROOT / folder).rglob("*.py")
        if "management" not in path.parts and starts_processes(path.read_text())
    }
    assert found == set(STARTS_PROCESSES)


def test_no_door_knows_where_servers_of_tools_are_written() -> None:
    """S-43: the file is named by the environment, and no page or frame can write it."""
    for folder in ("views", "consumers", "services"):
        for app in ("sessions_app", "context_app"):
            for path in (ROOT / app / folder).glob("*.py"):
                assert "MCP_FILE" not in path.read_text(), path


@pytest.mark.django_db
def test_the_settings_of_sqlite_are_in_order() -> None:
    if connection.vendor == "sqlite":
        assert checks.sqlite_is_tuned(databases=["default"]) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("pragma", "options", "says"),
    [
        ("PRAGMA busy_timeout = 100", None, "waits 100 ms"),
        (None, {"transaction_mode": "DEFERRED"}, "IMMEDIATE"),
        (None, {}, "IMMEDIATE"),
    ],
)
def test_a_sqlite_that_would_be_locked_is_an_error_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
    pragma: str | None,
    options: dict[str, str] | None,
    says: str,
) -> None:
    """S-70: the system check, which the start refuses to go on with."""
    if connection.vendor != "sqlite":
        pytest.skip("for SQLite")
    if options is not None:
        monkeypatch.setitem(settings.DATABASES["default"], "OPTIONS", options)
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        if pragma:
            cursor.execute(pragma)
        try:
            found = run_checks(databases=["default"])
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {before}")
    said = [message for message in found if message.id == "maestro.E001"]
    assert len(said) == 1 and says in said[0].msg


def test_no_task_is_handed_out_twice_while_it_runs() -> None:
    """S-72: how long it may take, and how long it may wait, end before it is repeated."""
    cluster = settings.Q_CLUSTER
    assert cluster["timeout"] < cluster["retry"]
    assert cluster["max_attempts"] >= 1
    # Nobody waits in the inner queue behind more than the workers take at once.
    assert cluster["bulk"] == 1
    assert cluster["queue_limit"] <= 2 * cluster["workers"]


@pytest.mark.django_db(transaction=True)
def test_every_task_may_be_done_twice() -> None:
    """S-72, F33: each of the schedules' functions, again and again, has one effect."""
    from django.utils.module_loading import import_string
    from django_q.models import Schedule

    from sessions_app import tasks

    tasks.ensure_schedules()
    tasks.ensure_schedules()
    names = list(Schedule.objects.values_list("func", flat=True))
    assert len(names) == len(set(names)) >= 2
    for _ in range(2):
        for name in names:
            import_string(name)()
    assert Schedule.objects.count() == len(names)
