"""The operator's file: what it may say, who may write it, and where secrets stay. S-43."""

import json
import os

import pytest

from context_app.mcp.config import load

ENVIRON = {"TICKETS": "canary-token", "EMPTY": "", "MAESTRO_SECRET_KEY": "canary-key"}


@pytest.fixture
def file(tmp_path):
    """`file(servers)`: written, private; `file.load()` reads it."""
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o755)
    path = folder / "mcp.json"

    def write(servers, **more):
        path.write_text(json.dumps({"mcpServers": servers, **more}))
        path.chmod(0o644)
        return load(path, ENVIRON, workspace=more.get("workspace", ""))

    write.path = path
    return write


def test_both_kinds_of_server_are_read(file):
    loaded = file(
        {
            "tickets": {
                "url": "HTTPS://MCP.example.org:443/mcp/?team=a",
                "headers": {"Authorization": "Bearer ${TICKETS}"},
                "tools": ["search_*"],
                "trust_annotations": True,
                "timeout_s": 5,
            },
            "files": {
                "command": "/usr/bin/files",
                "args": ["--root", "/srv"],
                "env": {"A_TOKEN": "${TICKETS}"},
            },
            "off": {"command": "x", "disabled": True},
        }
    )
    assert loaded.problems == [] and loaded.warnings == []
    tickets, files = loaded.servers
    assert tickets.url == "https://mcp.example.org/mcp/?team=a"
    assert tickets.place == "https://mcp.example.org/mcp/"
    assert tickets.headers == {"Authorization": "Bearer canary-token"}
    assert tickets.trusts_annotations and tickets.tools == ("search_*",)
    assert files.command == ("/usr/bin/files", "--root", "/srv")
    assert files.env == {"A_TOKEN": "canary-token"} and files.cwd == "/"
    assert not files.trusts_annotations and files.secrets == ("canary-token",)


def test_a_secret_may_come_from_a_file(file, tmp_path):
    (tmp_path / "token").write_text("canary-from-file\n")
    file({"a": {"url": "http://x", "headers": {"Key": "${OTHER}"}}})
    environ = {"OTHER_FILE": str(tmp_path / "token")}
    [server] = load(file.path, environ).servers
    assert server.headers == {"Key": "canary-from-file"}


def test_no_value_is_shown_where_a_server_is(file):
    loaded = file({"a": {"url": "http://x", "headers": {"Key": "${TICKETS}"}}})
    assert "canary" not in repr(loaded)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({}, "needs a url, or a command"),
        ([], "must be an object"),
        ({"url": "ftp://x"}, "http"),
        ({"url": "http://user:secret-pw@x/"}, "user names and passwords"),
        ({"url": "http://x/a b"}, "cannot be sent"),
        ({"url": "http://x/#a"}, "cannot be sent"),
        ({"url": "http://${TICKETS}/"}, "without references"),
        ({"url": 5}, "must be a text"),
        ({"url": "http://x", "type": "sse"}, "HTTP\\+SSE"),
        ({"url": "http://x", "type": "websocket"}, "type is"),
        ({"url": "http://x", "command": "y"}, "not known here: 'command'"),
        ({"url": "http://x", "autoApprove": ["*"]}, "not known here: 'autoApprove'"),
        ({"url": "http://x", "headers": {"Host": "y"}}, "ours to send"),
        ({"url": "http://x", "headers": {"A b": "y"}}, "cannot be sent"),
        ({"url": "http://x", "headers": {"A": "y\nB: z"}}, "cannot be sent"),
        ({"url": "http://x", "headers": {"A": 5}}, "object of texts"),
        ({"url": "http://x", "headers": {"A": "${NO_SUCH}"}}, "no such variable"),
        ({"url": "http://x", "headers": {"A": "${not closed"}}, "not written as"),
        (
            {"url": "http://x", "headers": {"A": "${MAESTRO_SECRET_KEY}"}},
            "setting of ours",
        ),
        ({"command": "x", "args": ["--key=${TICKETS}"]}, "others can read arguments"),
        ({"command": "x", "args": "y"}, "list of texts"),
        ({"command": "x", "cwd": "here"}, "absolute path"),
        ({"command": "x\0y"}, "no program can be given"),
        ({"command": "x", "env": {"A=B": "y"}}, "no program can be given"),
        ({"command": "x", "timeout_s": -1}, "timeout_s"),
        ({"command": "x", "timeout_s": True}, "timeout_s"),
        ({"command": "x", "trust_annotations": "yes"}, "true or false"),
        ({"command": "x", "tools": "all"}, "list of names"),
    ],
)
def test_an_entry_that_cannot_be_used_is_named_and_the_others_are_kept(
    file, entry, said
):
    loaded = file({"bad": entry, "good": {"command": "x"}})
    assert [server.name for server in loaded.servers] == ["good"]
    [problem] = loaded.problems
    assert problem.startswith("Server 'bad'")
    import re

    assert re.search(said, problem)
    assert "canary" not in problem and "secret-pw" not in problem


@pytest.mark.parametrize("name", ["", "a__b", "1a", "a b", "a" * 25, "ä", "a/b"])
def test_a_name_that_no_vendor_would_take_is_refused(file, name):
    assert file({name: {"command": "x"}}).servers == []


def test_a_secret_that_stands_in_the_file_is_warned_about_without_being_repeated(file):
    loaded = file(
        {"a": {"url": "https://x", "headers": {"Authorization": "Bearer abc"}}}
    )
    [warning] = loaded.warnings
    assert "looks like a secret" in warning and "abc" not in warning


def test_headers_that_travel_in_the_clear_are_warned_about(file):
    headers = {"Authorization": "Bearer ${TICKETS}"}
    away = file({"a": {"url": "http://10.0.0.7/mcp", "headers": headers}})
    assert "unencrypted" in away.warnings[0]
    assert file({"a": {"url": "http://127.0.0.1/", "headers": headers}}).warnings == []


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_file_that_others_may_write_starts_nothing(file, mode):
    file({"a": {"command": "x"}})
    file.path.chmod(mode)
    loaded = load(file.path, ENVIRON)
    assert loaded.servers == [] and "Others may write" in loaded.problems[0]


def test_a_directory_that_others_may_write_starts_nothing(file):
    file({"a": {"command": "x"}})
    file.path.parent.chmod(0o777)
    assert load(file.path, ENVIRON).servers == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_file_of_somebody_else_starts_nothing(file):
    file({"a": {"command": "x"}})
    os.chown(file.path, 12345, -1)
    loaded = load(file.path, ENVIRON)
    assert loaded.servers == [] and "another user" in loaded.problems[0]


def test_a_file_that_models_may_write_starts_nothing(file, tmp_path):
    """A link from elsewhere does not help: what counts is where the file lies."""
    file({"a": {"command": "x"}})
    link = tmp_path / "link.json"
    link.symlink_to(file.path)
    for path in (file.path, link):
        loaded = load(path, ENVIRON, workspace=file.path.parent)
        assert loaded.servers == [] and "workspace" in loaded.problems[0]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"servers": {}}', '{"mcpServers": []}', "[" * 100_000,
     '{"mcpServers": {}, "more": 1}', "\xff", " " * 2_000_000],
)  # fmt: skip
def test_a_file_that_is_something_else_is_a_problem_and_no_crash(file, text):
    file({})
    file.path.write_bytes(text.encode("latin-1"))
    loaded = load(file.path, ENVIRON)
    assert loaded.servers == [] and len(loaded.problems) == 1


def test_a_file_that_is_not_there_is_a_problem(tmp_path):
    [problem] = load(tmp_path / "no.json", {}).problems
    assert "No such file" in problem
