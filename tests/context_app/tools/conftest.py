"""A workspace with something in it, and something beside it that nobody may reach."""

import threading
from pathlib import Path

import pytest

from context_app.tools import registry
from context_app.tools.base import ToolContext


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    place = tmp_path / "outside"
    place.mkdir()
    (place / "secret.txt").write_text("outside secret\n")
    return place


@pytest.fixture
def workspace(tmp_path: Path, outside: Path) -> Path:
    root = tmp_path / "workspace"
    (root / "src" / "deep").mkdir(parents=True)
    (root / "src" / "a.py").write_text("import os\nprint('hello')\n")
    (root / "src" / "deep" / "b.py").write_text("x = 1\n")
    (root / "README.md").write_text("# Title\n\nText.\n")
    (root / ".env").write_text("KEY=sk-test-not-a-key\n")
    (root / "server.pem").write_text("sk-test-not-a-certificate\n")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("[core]\n")
    (root / "inside-link.py").symlink_to("src/a.py")
    (root / "out-link").symlink_to(outside)
    (root / "out-file").symlink_to(outside / "secret.txt")
    (root / "innocent.txt").symlink_to(".env")
    (root / "blob.bin").write_bytes(b"\x7fELF\0\0\1\2")
    return root


@pytest.fixture
def granted(workspace: Path) -> ToolContext:
    return ToolContext(
        conversation_id="c",
        person_id=1,
        workspace=workspace,
        stop=threading.Event(),
        deadline_s=20,
    )


@pytest.fixture
def use(granted):
    """`use("read_file", path="a")`: what the tool answers."""

    def call(name: str, **arguments: object) -> str:
        return registry.tools()[name].run(arguments, granted)

    return call
