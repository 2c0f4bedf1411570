"""Whatever path a model writes, nothing outside the workspace is read or written. S-34."""

import ctypes
import dataclasses
import os
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from context_app.tools import _paths, registry
from context_app.tools.base import ToolContext, ToolError

TRAVERSALS = [
    "../outside/secret.txt", "..", "src/../../outside/secret.txt", "/etc/passwd", "//etc",
    "~/x", "~root/x", "a\0b", "a\nb", "\x1b[2J", "out-link/secret.txt", "out-file",
    "./../outside/secret.txt", "src/./../..", "x" * 300, "a/" * 600, "\ud800", "\u202efdp",
]  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSALS)
@pytest.mark.parametrize(
    ("name", "more"),
    [("read_file", {}), ("list_files", {}), ("write_file", {"content": "x"}),
     ("grep", {"pattern": "."}), ("glob_files", {"pattern": "*"})],
)  # fmt: skip
def test_a_path_that_leads_out_is_refused_by_every_tool(use, outside, name, more, path):
    before = sorted(outside.rglob("*")), (outside / "secret.txt").read_text()
    with pytest.raises(ToolError) as said:
        use(name, path=path, **more)
    assert "outside secret" not in str(said.value)
    assert (sorted(outside.rglob("*")), (outside / "secret.txt").read_text()) == before


@pytest.mark.parametrize("path", [None, 7, ["a"], {"a": 1}])
def test_a_path_is_a_text(use, path):
    with pytest.raises(ToolError):
        use("write_file", path=path, content="x")


@pytest.mark.parametrize(
    "name",
    [
        "list_files",
        "glob_files",
        "read_file",
        "grep",
        "write_file",
        "apply_patch",
        "shell",
    ],
)
def test_without_a_workspace_nothing_is_done(name):
    tool = registry.tools()[name]
    arguments = {
        "path": "a",
        "pattern": "a",
        "content": "a",
        "patch": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
        "command": "true",
    }
    assert tool.needs_workspace
    with pytest.raises(ToolError, match="no workspace"):
        tool.run(arguments, ToolContext(conversation_id="c", person_id=1))


_names = st.text(min_size=1, max_size=12) | st.sampled_from(
    [
        "..",
        ".",
        "src",
        "out-link",
        "out-file",
        "secret.txt",
        "~",
        "",
        "\u2025",
        "．．",
        "%2e%2e",
        "..\\",
    ]
)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(_names, min_size=1, max_size=6), st.booleans())
def test_no_path_reads_or_writes_outside(workspace, outside, names, is_absolute):
    context = ToolContext(conversation_id="c", person_id=1, workspace=workspace)
    path = ("/" if is_absolute else "") + "/".join(names)
    tools = registry.tools()
    for name in ("read_file", "write_file"):
        try:
            said = tools[name].run({"path": path, "content": "WRITTEN"}, context)
        except ToolError as exc:
            said = str(exc)
        assert "outside secret" not in said
    assert sorted(p.name for p in outside.iterdir()) == ["secret.txt"]
    assert (outside / "secret.txt").read_text() == "outside secret\n"
    assert sorted(p.name for p in outside.parent.iterdir()) == ["outside", "workspace"]


def test_a_link_inside_may_be_read_through_and_never_written_through(use, workspace):
    assert "hello" in use("read_file", path="inside-link.py")
    with pytest.raises(ToolError, match="link"):
        use("write_file", path="inside-link.py", content="x")
    patch = "--- a/inside-link.py\n+++ b/inside-link.py\n@@ -1 +1 @@\n-import os\n+x\n"
    with pytest.raises(ToolError, match="link"):
        use("apply_patch", patch=patch)
    assert (workspace / "src/a.py").read_text() == "import os\nprint('hello')\n"


def test_a_link_is_no_way_around_a_rule_about_its_target(granted):
    def refused(path):
        return "Rule “sources”." if path.startswith("src/") else ""

    read = registry.tools()["read_file"].run
    ruled = dataclasses.replace(granted, refused=refused)
    with pytest.raises(ToolError, match=r"link.*Rule “sources”"):
        read({"path": "inside-link.py"}, ruled)
    assert "Title" in read({"path": "README.md"}, ruled)


def test_a_link_with_an_innocent_name_does_not_open_a_secret(use):
    with pytest.raises(ToolError, match="link"):
        use("read_file", path="innocent.txt")


def test_a_write_makes_a_new_file_and_leaves_other_names_of_the_old_alone(
    use, workspace, outside
):
    os.link(outside / "secret.txt", workspace / "hard")
    use("write_file", path="hard", content="new")
    assert (outside / "secret.txt").read_text() == "outside secret\n"


def test_pipes_devices_and_sockets_are_not_opened(use, workspace):
    os.mkfifo(workspace / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(workspace)  # the length of a socket's path is limited
        try:
            server.bind("sock")
        finally:
            os.chdir(here)
        for name in ("pipe", "sock"):
            with pytest.raises(ToolError):
                use("read_file", path=name)
            with pytest.raises(ToolError):
                use("write_file", path=name, content="x")
        assert "pipe?" in use("list_files")
        assert "0 matches" in use("grep", pattern="nowhere")


def test_files_that_are_too_long_are_not_read(use, workspace):
    with open(workspace / "huge", "wb") as file:
        file.truncate(_paths.MAX_FILE + 1)
    with pytest.raises(ToolError, match="limit"):
        use("read_file", path="huge")


def test_exchanging_a_directory_for_a_link_meanwhile_opens_nothing_outside(
    granted, workspace, outside
):
    """The race that a check before an open loses: a thread swaps all the time."""
    (outside / "f.txt").write_text("outside secret")
    real, evil = workspace / "swap", workspace / "evil"
    real.mkdir()
    (real / "f.txt").write_text("inside")
    evil.symlink_to(outside)
    done = threading.Event()
    libc = ctypes.CDLL(None)

    def swap() -> None:
        while not done.is_set():  # renameat2(2) with RENAME_EXCHANGE: in one step
            libc.renameat2(-100, bytes(real), -100, bytes(evil), 2)

    thread = threading.Thread(target=swap)
    thread.start()
    tools, seen = registry.tools(), set()
    try:
        for _ in range(1500):
            for name in ("read_file", "write_file"):
                try:
                    arguments = {"path": "swap/f.txt", "content": "inside"}
                    seen.add(tools[name].run(arguments, granted))
                except ToolError as exc:
                    seen.add(str(exc))
    finally:
        done.set()
        thread.join()
    assert not [said for said in seen if "outside secret" in said]
    assert any("inside" in said for said in seen)
    assert (outside / "f.txt").read_text() == "outside secret"
    assert sorted(p.name for p in outside.iterdir()) == ["f.txt", "secret.txt"]


def test_no_descriptor_is_left_open(use):
    before = len(os.listdir("/proc/self/fd"))
    for path in ("src/a.py", "nowhere/x", "out-file", "src"):
        for name in ("read_file", "write_file", "list_files"):
            try:
                use(name, path=path, content="x")
            except ToolError:
                continue
    use("grep", pattern="x")
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_is_refused_names_no_path_of_the_server(use, workspace):
    for path in TRAVERSALS:
        with pytest.raises(ToolError) as said:
            use("read_file", path=path)
        assert str(workspace.parent) not in str(said.value)


def test_the_machinery_beside_the_tools_is_no_tool():
    names = {path.stem for path in Path(_paths.__file__).parent.glob("_*.py")}
    assert {"_paths", "_sandbox", "_sandbox_child"} <= names
    registry.forget()
    assert registry.problems() == []
    assert set(registry.tools()) >= {
        "list_files", "glob_files", "read_file", "grep", "write_file", "apply_patch",
        "shell", "web_fetch",
    }  # fmt: skip
