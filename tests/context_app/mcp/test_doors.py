"""What the operator sees: `manage.py mcp`, the system check, the admin's page."""

import json
import sys
from io import StringIO

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import CommandError

from context_app.tools import registry
from tests.context_app.mcp import hostile
from tests.context_app.mcp.conftest import OFFICIAL, TOKEN, until
from tests.sessions_app.factories import make_superuser, make_user, sign_in

GOOD = {"command": sys.executable, "args": [str(OFFICIAL), "stdio"]}
SIMPLE = {"command": sys.executable, "args": [hostile.__file__, "fine"]}
GONE = {
    "url": "http://127.0.0.1:9/mcp?key=canary-query",
    "headers": {"Authorization": "Bearer ${MCP_TEST_TOKEN}"},
}


@pytest.fixture
def file(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("MCP_TEST_TOKEN", TOKEN)
    folder = tmp_path / "etc"
    folder.mkdir()

    def write(entries):
        path = folder / "mcp.json"
        path.write_text(json.dumps({"mcpServers": entries}))
        path.chmod(0o600)
        settings.MAESTRO_MCP_FILE = str(path)
        registry.forget()
        return path

    yield write
    registry.forget()


def asked(*words):
    """(exit code, output) of the command."""
    out = StringIO()
    try:
        call_command("mcp", *words, stdout=out)
    except SystemExit as exc:
        return exc.code, out.getvalue()
    return 0, out.getvalue()


def test_the_command_lists_servers_and_their_tools(file):
    file({"official": GOOD})
    code, said = asked()
    assert code == 0
    assert "official 1.2.3, revision 2025-11-25" in said
    assert "official__add" in said and "medium" in said


def test_the_command_says_what_does_not_answer_and_exits_with_3(file):
    file({"official": GOOD, "gone": GONE, "bad": {"command": 1}})
    code, said = asked("--json")
    document = json.loads(said)
    assert code == 3
    up = {row["name"]: row["is_up"] for row in document["servers"]}
    assert up == {"official": True, "gone": False}
    assert "Nothing answers" in document["servers"][1]["why"]
    assert document["servers"][0]["ping_ms"] > 0
    assert "'bad'" in document["problems"][0]
    assert TOKEN not in said and "canary-query" not in said


def test_one_server_may_be_asked_alone(file):
    file({"simple": SIMPLE, "gone": GONE})
    code, said = asked("simple")
    assert code == 0 and "gone" not in said
    with pytest.raises(CommandError, match="no server 'other'"):
        asked("other")


def test_without_a_file_the_command_says_where_it_would_be_named(settings):
    settings.MAESTRO_MCP_FILE = ""
    code, said = asked()
    assert code == 0 and "MAESTRO_MCP_FILE" in said


def found(*ids):
    return [one for one in run_checks() if one.id in ids]


def test_a_file_that_cannot_be_used_is_an_error_at_the_start(file):
    file({"simple": SIMPLE})
    assert found("context_app.E001", "context_app.W001") == []
    file({"simple": SIMPLE, "bad": {"command": 1}})
    [error] = found("context_app.E001")
    assert "'bad'" in error.msg and "mcp.json" in error.hint
    file({"simple": SIMPLE}).chmod(0o666)
    assert "Others may write" in found("context_app.E001")[0].msg
    literal = {"url": "https://x", "headers": {"Authorization": "Bearer canary"}}
    file({"literal": literal})
    [warning] = found("context_app.W001")
    assert "canary" not in warning.msg


PAGE = "/admin/context_app/policyrule/mcp/"


@pytest.mark.django_db
def test_the_admin_shows_what_the_background_found(file, client):
    file({"simple": SIMPLE, "gone": GONE, "bad": {"command": 1}})
    sign_in(client, make_superuser("operator"))
    assert PAGE in client.get("/admin/context_app/policyrule/").content.decode()
    page = until(lambda: _with("Nothing answers", client))
    assert "simple__look" in page and "&#x27;bad&#x27;" in page
    assert TOKEN not in page and "canary-query" not in page


def _with(words, client):
    page = client.get(PAGE).content.decode()
    return page if words in page and "not asked yet" not in page else None


@pytest.mark.django_db
def test_the_admins_page_is_for_those_who_may_see_rules(client):
    assert client.get(PAGE).status_code == 302
    for is_staff in (False, True):
        person = make_user()
        person.is_staff = is_staff
        person.save()
        sign_in(client, person)
        assert client.get(PAGE).status_code in (302, 403)
    sign_in(client, make_superuser("operator"))
    assert client.post(PAGE).status_code == 405
    assert client.get(PAGE).status_code == 200
