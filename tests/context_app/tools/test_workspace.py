"""Looking and searching: bounded, in one order, secrets and hidden things on request."""

import os
import threading
import time

import pytest

from context_app.tools import registry
from context_app.tools.base import ToolError


def test_a_listing_counts_and_shows_sizes_and_no_hidden_names(use):
    rows = use("list_files").splitlines()
    assert rows == [
        "8 entries in .",
        "README.md\t15 bytes",
        "blob.bin\t8 bytes",
        "innocent.txt@",
        "inside-link.py@",
        "out-file@",
        "out-link@",
        "server.pem\t26 bytes",
        "src/",
    ]
    assert ".env" not in "\n".join(rows)
    assert ".env\t" in use("list_files", hidden=True)


def test_a_server_with_a_thousand_open_pages_searches(use, a_thousand_pages):
    assert "src/a.py:1: import os" in use("grep", pattern="import")


def test_links_are_never_walked_through(use):
    assert "secret.txt" not in use("list_files", depth=20, hidden=True)
    assert use("glob_files", pattern="**/secret.txt").startswith("0 entries")
    assert "outside secret" not in use("grep", pattern="outside", hidden=True)


def test_the_inside_of_version_control_is_shown_when_it_is_asked_for_itself(use):
    assert ".git/config" not in use("list_files", depth=20, hidden=True)
    assert ".git/config" in use("list_files", path=".git", hidden=True)


def test_names_cannot_forge_a_line(use, workspace):
    (workspace / "a\nREADME.md\t1 bytes").write_text("x")
    (workspace / os.fsdecode(b"caf\xe9")).write_text("x")
    rows = use("list_files").splitlines()
    assert "a\\x0aREADME.md\\x091 bytes\t1 bytes" in rows
    assert len(rows) == 11


def test_a_listing_has_an_end(use, workspace):
    for number in range(1100):
        (workspace / "src" / f"f{number:04}").touch()
    said = use("list_files", path="src")
    assert said.startswith("1000 entries in src (and more")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.py", []),
        ("src/*.py", ["src/a.py"]),
        ("**/*.py", ["src/a.py", "src/deep/b.py"]),
        ("**/b.py", ["src/deep/b.py"]),
        ("src/**", ["src/", "src/a.py", "src/deep/", "src/deep/b.py"]),
        ("*.{md,bin}", ["README.md", "blob.bin"]),
        ("src/?.py", ["src/a.py"]),
        ("src/[!b].py", ["src/a.py"]),
        ("nothing", []),
    ],
)
def test_glob_patterns(use, pattern, found):
    rows = use("glob_files", pattern=pattern).splitlines()[1:]
    assert [row.partition("\t")[0] for row in rows if "@" not in row] == found


@pytest.mark.parametrize("pattern", ["/etc/*", "../*", "", "a" * 501, "{a,b}" * 7, 3])
def test_a_bad_pattern_is_explained(use, pattern):
    with pytest.raises(ToolError):
        use("glob_files", pattern=pattern)


def test_many_stars_take_no_time(use, workspace):
    (workspace / ("a" * 250)).touch()
    started = time.monotonic()
    use("glob_files", pattern="a*" * 100 + "b")
    use("glob_files", pattern="**/" * 100 + "b")
    assert time.monotonic() - started < 5


def test_a_file_is_read_in_parts(use, workspace):
    (workspace / "long").write_text("".join(f"line {n}\n" for n in range(1, 5001)))
    said = use("read_file", path="long")
    assert said.splitlines()[0].endswith("bytes; go on with first_line 2001")
    said = use("read_file", path="long", first_line=4999, lines=10)
    assert said.splitlines()[1:] == ["line 4999", "line 5000"]
    with pytest.raises(ToolError, match="5000 lines"):
        use("read_file", path="long", first_line=6000)


def test_binary_files_are_named_and_not_dumped(use):
    assert (
        use("read_file", path="blob.bin") == "blob.bin is binary: 8 bytes, not shown."
    )


def test_bytes_that_are_no_text_are_replaced(use, workspace):
    (workspace / "latin").write_bytes(b"caf\xe9\n")
    assert "caf\ufffd" in use("read_file", path="latin")


def test_missing_files_and_directories_are_explained(use):
    with pytest.raises(ToolError, match="There is no nothing"):
        use("read_file", path="nothing")
    with pytest.raises(ToolError):
        use("read_file", path="src")
    with pytest.raises(ToolError):
        use("list_files", path="README.md")


def test_grep_finds_lines_with_their_numbers(use):
    said = use("grep", pattern="^print|^x")
    assert said.splitlines()[1:] == [
        "src/a.py:2: print('hello')",
        "src/deep/b.py:1: x = 1",
    ]
    assert "src/a.py:2" in use("grep", pattern="HELLO", ignore_case=True, path="src")
    assert "src/a.py:2" in use("grep", pattern="hello", path="src/a.py")
    assert "b.py" not in use("grep", pattern=".", glob="a.*")


def test_grep_stops_at_its_number_of_matches(use, workspace):
    (workspace / "many").write_text("hit\n" * 1000)
    said = use("grep", pattern="hit", max_matches=5)
    assert said.startswith("5 matches") and "there may be more" in said
    assert len(said.splitlines()) == 6


def test_grep_does_not_carry_secrets_that_nobody_named(use):
    said = use("grep", pattern="sk-test", hidden=True)
    assert "not-a-key" not in said and "not-a-certificate" not in said
    assert "not-a-key" in use("grep", pattern="sk-test", path=".env")


def test_a_pattern_that_never_ends_is_ended(granted, workspace):
    (workspace / "evil.txt").write_text("a" * 60 + "!\n")
    slow = type(granted)(
        conversation_id="c", person_id=1, workspace=workspace, deadline_s=1.0
    )
    with pytest.raises(ToolError, match="took more than 1 s"):
        registry.tools()["grep"].run({"pattern": "(a+)+$"}, slow)


def test_a_search_is_stopped(granted, workspace):
    (workspace / "evil.txt").write_text("a" * 60 + "!\n")
    threading.Timer(0.3, granted.stop.set).start()
    with pytest.raises(ToolError, match="stopped"):
        registry.tools()["grep"].run({"pattern": "(a+)+$"}, granted)


@pytest.mark.parametrize("pattern", ["(", "a" * 1001, "", 5, "(?P<a>x)(?P<a>y)", "*"])
def test_a_pattern_that_is_none_is_explained(use, pattern):
    with pytest.raises(ToolError):
        use("grep", pattern=pattern)


@pytest.mark.parametrize("name", ["list_files", "glob_files", "read_file", "grep"])
def test_looking_is_of_low_risk(name):
    tool = registry.tools()[name]
    assert tool.floor({"path": "src", "pattern": "x"}) == "low"
    assert "src" in tool.target({"path": "src", "pattern": "x"})


@pytest.mark.parametrize("path", [".env", "a/.env.local", "key.PEM", ".ssh/id_rsa"])
def test_reading_what_is_called_a_secret_is_asked_about(path):
    for name in ("read_file", "grep"):
        assert registry.tools()[name].floor({"path": path}) == "medium"
