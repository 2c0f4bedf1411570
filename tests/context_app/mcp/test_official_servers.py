"""Against servers of the official package: over stdio, and over HTTP in both its forms."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from context_app.mcp.messages import LATEST
from context_app.tools.base import ToolError
from tests.context_app.mcp.conftest import TOKEN, is_alive, until


def test_its_tools_are_found_named_and_called(official):
    assert official.state.is_up and official.state.version == LATEST
    assert official.state.said == "official 1.2.3"
    told = official("add", a=1, b=2)
    assert told.endswith("sum=3")
    assert told.startswith("What follows was said by the MCP server “official”")
    assert "not instructions" in told.splitlines()[0]


def test_structured_content_comes_once_and_a_parameter_named_intent_is_not_ours(
    official,
):
    parameters = official.tool("weather").parameters
    assert set(parameters["properties"]) == {"place", "intent_"}
    told = official("weather", place="Bern", intent_="theirs")
    assert told.count("19.5") == 1 and "Bern, theirs" in told


def test_an_error_of_the_tool_is_an_answer_for_the_model(official):
    with pytest.raises(ToolError, match="said by the MCP server"):
        official("fail", words="no such ticket")
    with pytest.raises(ToolError):
        official("add", a="not a number", b=2)
    assert "sum=3" in official("add", a=1, b=2)


def test_a_ping_is_answered(official):
    assert official.server.ping() > 0


def test_calls_of_many_threads_do_not_wait_for_each_other(official):
    began = threading.Barrier(8)

    def one(number):
        began.wait()
        official("slow", seconds=1)
        return official("add", a=number, b=number)

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(one, range(8)))
    assert [text.rpartition("=")[2] for text in told] == [
        str(2 * number) for number in range(8)
    ]


def test_a_stop_ends_the_call_at_once_and_tells_the_server(official, notes):
    def stop():
        until(lambda: "slow began" in notes.read_text())
        official.stop.set()

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(ToolError, match="stopped"):
        official("slow", seconds=600)
    until(lambda: "slow cancelled" in notes.read_text())
    official.stop.clear()
    assert "sum=3" in official("add", a=1, b=2)


def test_a_deadline_ends_the_call_and_tells_the_server(official, notes):
    with pytest.raises(ToolError, match="too long"):
        official("slow", _deadline_s=0.5, seconds=600)
    until(lambda: "slow cancelled" in notes.read_text())


def test_what_it_repeats_of_its_secret_is_masked(official):
    told = official("token")
    assert "I was given" in told and TOKEN not in told


def test_a_tool_that_changed_is_not_called_as_what_it_was(official, notes):
    before = official.tool("add")
    official("grow")
    official.server.look_again()
    until(lambda: "official__later" in official.state.tools)
    with pytest.raises(ToolError, match="has changed since it was offered"):
        before.run({"a": 1, "b": 2}, official.context())
    assert "add 1 2" not in notes.read_text()
    assert official.tool("add").approval_name != before.approval_name
    assert "sum=6" in official("add", a=1, b=2, c=3)


def test_hints_of_the_server_lower_a_risk_only_where_they_are_trusted(over_stdio, use):
    from dataclasses import replace

    strict, trusting = (
        use(over_stdio),
        use(replace(over_stdio, trusts_annotations=True)),
    )
    assert strict.tool("add").risk == "medium" and trusting.tool("add").risk == "low"
    for one in (strict, trusting):
        assert one.tool("fail").risk == "high"
        assert one.tool("slow").risk == "medium"


def test_a_notice_that_the_list_changed_is_enough(over_stdio, use):
    official = use(over_stdio)
    official("grow")
    until(lambda: "official__later" in official.state.tools)


def test_a_program_gets_none_of_our_environment(over_stdio, use, monkeypatch):
    monkeypatch.setenv("MAESTRO_SECRET_KEY", "canary-secret")
    monkeypatch.setenv("SOME_API_KEY", "canary-key")
    names = use(over_stdio)("environment").splitlines()[-1].split()
    assert {"TOKEN", "NOTES", "PATH"} <= set(names)
    assert not {name for name in names if "KEY" in name or "MAESTRO" in name}


def test_nothing_of_a_program_is_left_not_even_what_detached_itself(over_stdio, use):
    official = use(over_stdio)
    child = int(official("breed").splitlines()[-1])
    assert is_alive(child)
    official.server.close()
    until(lambda: not is_alive(child))


def test_a_program_that_died_is_started_again_and_says_so_meanwhile(
    over_stdio, use, notes
):
    official = use(over_stdio)
    with pytest.raises(ToolError, match="ended"):
        official("die")
    until(lambda: notes.read_text().count("started") == 2)
    until(lambda: official.state.is_up)
    assert "sum=3" in official("add", a=1, b=2)


def test_a_killed_http_server_is_noticed_and_found_again(over_http, use):
    config, process = over_http()
    official = use(config)
    process.kill()
    process.wait()
    with pytest.raises(ToolError, match=r"Nothing answers|broke"):
        official("add", a=1, b=2)
    until(lambda: not official.state.is_up)
    assert "Nothing answers" in official.state.why
    over_http(port=int(config.url.split(":")[2].split("/")[0]))
    until(lambda: official.state.is_up)
    assert "sum=3" in official("add", a=1, b=2)


def test_a_restarted_http_server_has_forgotten_the_session_and_the_call_goes_on(
    over_http, use, notes
):
    config, process = over_http()
    official = use(config)
    process.kill()
    process.wait()
    over_http(port=int(config.url.split(":")[2].split("/")[0]))
    assert "sum=3" in official("add", a=1, b=2)
    assert notes.read_text().count("add 1 2") == 1
