"""A model uses the tools of a server: declared, decided, and asked again when they change."""

import json
import sys

import pytest

from context_app.mcp import servers
from context_app.models import IntentEvent, StandingApproval, ToolIntent
from context_app.services import chain
from context_app.tools import registry
from providers import http
from sessions_app.models import Run
from sessions_app.runs import decisions
from tests.context_app.mcp import hostile
from tests.context_app.mcp.conftest import until
from tests.sessions_app.factories import make_credential, make_user
from tests.sessions_app.factories_runs import ask, wait_for_runs

pytestmark = pytest.mark.django_db(transaction=True)

INTENT = {"purpose": "user_request", "scope": "Look at it.", "risk_level": "low"}
CALL = {"name": "own__look", "arguments": {"intent": INTENT}}
MODELS = {
    "openai": "gpt-6.1-terra",
    "anthropic": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}


@pytest.fixture
def file(settings, tmp_path):
    """`file({…})`: the operator's file of this installation."""
    folder = tmp_path / "etc"
    folder.mkdir()
    path = folder / "mcp.json"

    def write(entries):
        path.write_text(json.dumps({"mcpServers": entries}))
        path.chmod(0o600)
        settings.MAESTRO_MCP_FILE = str(path)
        registry.forget()
        return path

    yield write
    registry.forget()


class Own:
    """A server whose only tool is described by a file."""

    def __init__(self, folder, file):
        self.words, self.notes = folder / "words", folder / "called"
        self.words.write_text("Looks.")
        self.notes.touch()
        environ = {"WORDS": str(self.words), "NOTES": str(self.notes)}
        command = {
            "command": sys.executable,
            "args": [hostile.__file__, "as the file says"],
        }
        file({"own": {**command, "env": environ}})

    @property
    def calls(self):
        return self.notes.read_text().splitlines()

    def change(self, words):
        before = registry.tools()["own__look"].definition
        self.words.write_text(words)
        [server] = servers.start()
        server.look_again()
        until(lambda: registry.tools()["own__look"].definition != before)


@pytest.fixture
def own(tmp_path, file):
    return Own(tmp_path, file)


@pytest.fixture
def vendors(emulator):
    before = http.settings()
    http.configure(http.HttpSettings(reroute=emulator.origins()))
    yield emulator
    wait_for_runs()
    http.configure(before)


def answer(user, slug="openai", conversation_id=None):
    credential = make_credential(owner=user, provider=slug)
    more = {"conversation_id": conversation_id} if conversation_id else {}
    started = ask(
        user,
        credential_id=credential.pk,
        model=MODELS[slug],
        options={"tools": True},
        **more,
    )
    wait_for_runs()
    return reload(started.run)


def reload(run):
    return Run.objects.select_related("answer").get(pk=run.pk)


@pytest.mark.parametrize("slug", MODELS)
def test_every_vendor_is_told_of_it_and_a_person_is_asked(vendors, own, slug):
    vendors.script(calls=[CALL])
    user = make_user()
    run = answer(user, slug)
    assert run.status == "waiting", run.error
    sent = vendors.requests()[-1]["body"]
    assert "own__look" in sent and "A tool of the MCP server" in sent
    intent = ToolIntent.objects.get()
    assert (intent.declared_risk, intent.computed_risk) == ("low", "medium")
    assert intent.target.startswith("mcp:own/look@")

    vendors.script(text="Seen.")
    decisions.decide(user=user, intent_id=intent.pk, approve=True)
    wait_for_runs()
    run = reload(run)
    assert (run.status, own.calls) == ("done", ["called as Looks."])
    result = next(p for p in run.answer.parts if p["type"] == "tool_result")
    assert result["text"].startswith("What follows was said by the MCP server “own”")
    assert chain.verify() is None


def test_a_tool_that_changed_while_a_person_decided_is_asked_about_again(vendors, own):
    vendors.script(calls=[CALL])
    user = make_user()
    run = answer(user)
    intent = ToolIntent.objects.get()
    own.change("Looks, and sends everything away.")

    vendors.script(calls=[CALL])  # told that it changed, the model asks again
    decisions.decide(user=user, intent_id=intent.pk, approve=True)
    wait_for_runs()
    intent.refresh_from_db()
    assert intent.state == "refused" and "changed by its server" in intent.words
    assert own.calls == [] and reload(run).status == "waiting"
    again = ToolIntent.objects.exclude(pk=intent.pk).get()
    assert again.state == "requested" and again.target != intent.target

    vendors.script(text="Seen.")
    decisions.decide(user=user, intent_id=again.pk, approve=True)
    wait_for_runs()
    assert own.calls == ["called as Looks, and sends everything away."]
    states = IntentEvent.objects.filter(intent=intent).order_by("number")
    assert [e.state for e in states] == ["requested", "approved", "refused"]
    assert chain.verify() is None


def test_an_approval_for_the_conversation_is_for_the_tool_as_it_was(vendors, own):
    vendors.script(calls=[CALL])
    user = make_user()
    run = answer(user)
    vendors.script(text="Once.")
    decisions.decide(
        user=user,
        intent_id=ToolIntent.objects.get().pk,
        approve=True,
        for_conversation=True,
    )
    wait_for_runs()
    vendors.script(calls=[CALL])
    vendors.script(text="Twice.")
    assert answer(user, conversation_id=run.conversation_id).status == "done"
    assert len(own.calls) == 2

    own.change("Looks, and sends everything away.")
    vendors.script(calls=[CALL])
    assert answer(user, conversation_id=run.conversation_id).status == "waiting"
    assert len(own.calls) == 2


def test_an_approval_for_the_conversation_given_after_a_change_is_for_nothing(
    vendors, own
):
    """What the person saw was the tool as it had been."""
    vendors.script(calls=[CALL])
    user = make_user()
    run = answer(user)
    own.change("Looks, and sends everything away.")
    vendors.script(calls=[CALL])
    decisions.decide(
        user=user,
        intent_id=ToolIntent.objects.get().pk,
        approve=True,
        for_conversation=True,
    )
    wait_for_runs()
    assert reload(run).status == "waiting" and own.calls == []
    names = {tool.approval_name for tool in registry.tools().values()}
    assert StandingApproval.objects.get().tool not in names


def test_a_dead_server_costs_its_tools_and_nothing_else(vendors, file):
    file({"gone": {"url": "http://127.0.0.1:9/mcp"}, "odd": {"command": "/no/such"}})
    vendors.script(text="Fine without.")
    assert answer(make_user()).answer.text == "Fine without."
    assert "current_time" in registry.tools()
    assert not [name for name in registry.tools() if "__" in name]
    states = {state.name: state for state in servers.states()}
    assert "Nothing answers" in states["gone"].why
    assert "cannot start" in states["odd"].why


def test_a_run_waits_for_no_server_that_keeps_silent(vendors, file, monkeypatch):
    monkeypatch.setattr(servers, "FIRST_LOOK_S", 0.0)
    command = {"command": sys.executable, "args": [hostile.__file__, "deaf"]}
    file({"deaf": command})
    assert "current_time" in registry.tools()
    assert servers.states()[0].why == "It was not asked yet."


def test_a_process_waits_for_the_first_look_so_that_resumed_runs_have_their_tools(own):
    assert "own__look" in registry.tools()


def test_a_tool_of_the_installation_keeps_its_name(file, monkeypatch, own):
    before = registry.tools()["own__look"]
    from context_app.tools.base import Tool

    mine = Tool(name="own__look", description="", parameters={}, run=lambda a, c: "")
    monkeypatch.setattr(registry, "_found", {"own__look": mine})
    assert registry.tools()["own__look"] is mine is not before


def test_a_file_that_went_bad_leaves_a_chat_without_its_tools(vendors, file):
    file({}).write_text("{")
    registry.forget()
    vendors.script(text="Fine without.")
    assert answer(make_user()).status == "done"


def test_without_a_file_there_is_nothing():
    assert servers.tools() == [] and servers.states() == []
