"""Servers that misbehave, over stdio: bounded in size, time and effect."""

import subprocess
import sys
from pathlib import Path

import pytest

from context_app.mcp.config import ServerConfig
from context_app.mcp.messages import McpError
from context_app.mcp.server import Pace, Server
from context_app.tools.base import MAX_RESULT, ToolError
from tests.context_app.mcp import hostile
from tests.context_app.mcp.conftest import TOKEN, is_alive, until


def test_only_the_answer_to_this_very_request_counts(scripted):
    own = scripted("wrong ids")
    assert own("look").endswith("the right one")
    assert own("look").endswith("the right one")


def test_a_process_with_a_thousand_open_pages_speaks_to_its_servers(
    a_thousand_pages, scripted
):
    assert scripted("wrong ids")("look").endswith("the right one")


def test_a_server_that_never_answers_is_given_up_at_the_deadline(scripted):
    own = scripted("silent")
    with pytest.raises(ToolError, match="too long"):
        own("look", _deadline_s=0.3)
    assert own.state.is_up


def test_the_operators_own_limit_holds_where_it_is_shorter(scripted):
    with pytest.raises(ToolError, match="too long"):
        scripted("silent", timeout_s=0.3)("look", _deadline_s=600)


def test_what_is_no_result_is_not_taken_for_one(scripted):
    with pytest.raises(ToolError, match="not the result of a call"):
        scripted("no result")("look")


def test_a_line_without_end_ends_the_server(scripted):
    own = scripted("oversized")
    with pytest.raises(ToolError, match="far too long"):
        own("look")
    until(lambda: own.state.is_up)  # a new one


def test_a_long_result_is_cut(scripted):
    assert len(scripted("long")("look")) <= MAX_RESULT


def test_a_flood_of_messages_ends_the_server(scripted):
    own = scripted("flood")
    with pytest.raises(ToolError, match="what is no message"):
        own("look")


def test_requests_of_a_server_are_declined_but_a_ping(scripted):
    told = scripted("asks")("look")
    assert told.count('"result": {}') == 1
    assert told.count("-32601") == 2


def test_what_is_no_message_is_passed_over(scripted):
    assert scripted("garbage")("look").endswith("among garbage")


def test_pages_are_followed_to_the_end(scripted):
    names = list(scripted("pages").state.tools)
    assert names == [f"own__look{n}" for n in range(4)]


@pytest.mark.parametrize("behaviour", ["endless pages", "same page"])
def test_a_list_without_end_is_none(scripted, behaviour):
    state = scripted(behaviour).state
    assert not state.is_up and "no end" in state.why


def test_more_tools_than_vendors_take_are_left_out_and_said(scripted):
    state = scripted("many tools").state
    assert len(state.tools) == 100
    assert "Choose with `tools`" in state.problems[0]
    chosen = scripted("many tools", tools=("look1?",)).state
    assert len(chosen.tools) == 10 and not chosen.problems


def test_what_is_no_definition_is_left_out_and_said(scripted):
    state = scripted("strange list").state
    assert list(state.tools) == ["own__look"]
    assert len(state.problems) == 7


def test_another_revision_than_ours_is_refused(scripted):
    state = scripted("old").state
    assert not state.is_up and "revision 1999-01-01" in state.why


def test_a_server_that_does_not_begin_is_given_up(scripted):
    state = scripted("deaf", pace=Pace(connect_s=0.5, least_s=0.05)).state
    assert not state.is_up and "too long" in state.why


def test_why_it_did_not_start_is_said_without_its_secret(scripted):
    state = scripted("stillborn", env={"TOKEN": TOKEN}, secrets=(TOKEN,)).state
    assert not state.is_up
    assert "no such database [redacted]" in state.why and TOKEN not in state.why


def test_a_program_that_is_not_there_is_said(use):
    state = use(ServerConfig(name="own", command=("/no/such/program",), cwd="/")).state
    assert not state.is_up and "cannot start" in state.why


def test_a_server_that_fails_again_and_again_is_asked_ever_more_seldom():
    def fails(config, on_change):
        raise McpError("It is not there.")

    config = ServerConfig(name="own", command=("x",))
    server = Server(config, Pace(least_s=1.0), connect=fails)
    pauses = [server._looked() for _ in range(12)]
    assert pauses[:4] == [2, 4, 8, 16]
    assert pauses[-1] == pauses[-2] == 300


def test_a_program_that_ended_early_is_not_started_again_at_once(scripted):
    own = scripted("dies", pace=Pace(connect_s=15, least_s=300))
    first = own.server._link
    with pytest.raises(ToolError, match="has ended"):
        own("look")
    own.server._looked()
    assert not own.state.is_up and own.server._link is None
    assert first.trouble


def test_a_program_that_ignores_every_request_to_end_is_killed(scripted):
    own = scripted("stubborn")
    pid = own.server._link._process.pid
    children = until(lambda: _children(pid))
    own.server.close()
    until(lambda: not is_alive(pid) and not any(map(is_alive, children)))


def test_a_notice_of_change_is_heeded_before_the_next_call(scripted):
    own = scripted("changes")
    before = own.tool("look")
    own("look")
    with pytest.raises(ToolError, match="has changed since it was offered"):
        before.run({}, own.context())


def test_a_crash_in_a_call_is_no_reason_to_call_again(scripted):
    own = scripted("dies")
    with pytest.raises(ToolError, match="has ended"):
        own("look")


USER = """
import os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from context_app.mcp.config import ServerConfig
from context_app.mcp.server import Pace, Server
server = Server(ServerConfig(name="own", command=tuple(sys.argv[1:]), cwd="/"), Pace())
server.start()
server.wait(time.monotonic() + 20)
print(server._link._process.pid, flush=True)
time.sleep(300)
"""


def test_a_server_dies_with_the_process_that_uses_it_even_if_that_is_killed():
    """And even if it listens to no request to end, and not to the end of its input."""
    user = subprocess.Popen(
        [sys.executable, "-c", USER, sys.executable, hostile.__file__, "stubborn"],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    with user:
        keeper = int(user.stdout.readline())
        below = until(lambda: _children(keeper))
        user.kill()
    until(lambda: not is_alive(keeper) and not any(map(is_alive, below)))


def _children(pid):
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(word) for word in words]
