"""`manage.py audit_code`: what it reads, what it says, how it ends."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from context_app.models import Audit
from providers.audit import from_json
from sessions_app.management.findings import as_text, is_bad
from tests.context_app.audits.conftest import BAD, HANGS, wait_for_request
from tests.providers.audit.making import make_finding, make_report
from tests.providers.audit.seeds import ROOT, SEEDS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(auditor, monkeypatch):
    """`run("a.py")`: (exit code, stdout, stderr) of the command as this person."""

    def command(*arguments, stdin=""):
        given = SimpleNamespace(
            buffer=io.BytesIO(stdin.encode()), isatty=lambda: not stdin
        )
        monkeypatch.setattr("sys.stdin", given)
        out, err = io.StringIO(), io.StringIO()
        names = ["--user", auditor.user.username, "--model", auditor.model]
        try:
            call_command("audit_code", *names, *arguments, stdout=out, stderr=err)
        except SystemExit as exc:
            return exc.code, out.getvalue(), err.getvalue()
        except CommandError as exc:
            return exc.returncode, out.getvalue(), err.getvalue() + str(exc)
        return 0, out.getvalue(), err.getvalue()

    return command


@pytest.fixture
def code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app" / "node_modules").mkdir(parents=True)
    (tmp_path / "app" / "main.py").write_text(BAD)
    (tmp_path / "app" / "notes.txt").write_text("eval(this)")
    (tmp_path / "app" / "node_modules" / "dep.js").write_text("eval(x)")
    (tmp_path / "app" / ".hidden.py").write_text("eval(x)")
    (tmp_path / "app" / "link.py").symlink_to(ROOT / "shop" / "orders.py")
    return tmp_path


def test_a_directory_is_audited_and_its_report_kept(run, auditor):
    status, out, err = run(str(ROOT), "--json", "--name", "shop")
    assert status == 0
    found = from_json(out)
    assert len(found.findings) == len(SEEDS)
    assert "[0/1] reading" in err and "files left out" in err
    row = Audit.objects.get()
    assert (row.owner, row.source_name, row.state) == (auditor.user, "shop", "done")


def test_of_a_directory_only_code_is_read_and_links_are_not_followed(run, code):
    status, out, err = run("app", "--json", "-v", "2")
    assert status == 0
    assert list(from_json(out).files) == ["app/main.py"]
    assert "left out app/notes.txt" in err


def test_a_file_that_is_named_is_read_whatever_it_is(run, code):
    _, out, _ = run("app/notes.txt", "--json")
    assert [f.rule for f in from_json(out).findings] == ["code_injection"]


def test_files_of_the_workspace_are_named_from_there(run, code, settings):
    settings.MAESTRO_WORKSPACE = str(code / "app")
    _, out, _ = run("app", "--json")
    assert list(from_json(out).files) == ["main.py"]


def test_stdin_and_diffs_are_read(run):
    _, out, _ = run("--json", stdin=BAD)
    assert from_json(out).source_kind == "text"
    diff = "--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n x = 1\n+y = eval(x)\n"
    _, out, _ = run("--diff", "--format", "json", stdin=diff)
    found = from_json(out)
    assert found.source_kind == "diff"
    assert [f.start_line for f in found.findings] == [2]


@pytest.mark.parametrize(
    ("form", "beginning"),
    [("markdown", "# Code audit"), ("sarif", "{"), ("text", "stdin")],
)
def test_it_is_written_in_every_form(run, form, beginning):
    status, out, _ = run("--format", form, stdin=BAD)
    assert status == 0 and out.startswith(beginning)
    if form == "sarif":
        assert json.loads(out)["version"] == "2.1.0"


def test_what_is_severe_enough_ends_with_three(run):
    mild = "def a(x=[]):\n    return x\n"
    assert run("--fail-on", "high", stdin=mild)[0] == 0
    assert run("--fail-on", "medium", stdin=mild)[0] == 3
    assert run("--fail-on", "medium", "--new-only", stdin=mild)[0] == 0


def test_what_was_not_read_is_no_success():
    unread = make_report(score=None, was_cancelled=True)
    assert is_bad(unread, "critical", new_only=True)
    assert not is_bad(unread, "", new_only=False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Name files or directories"),
        (("no-such",), "There is no 'no-such'"),
        (("--user", "nobody-here", "."), "no active user"),
        (("--credential", "missing", "."), "missing"),
        (("--provider", "xai", "."), "no xai credential"),
    ],
)
def test_bad_usage_says_what_to_do(run, code, arguments, words):
    status, out, err = run(*arguments)
    assert status in (1, 2) and words in err and not out


@pytest.mark.parametrize(
    "path", ["a\x00b", "../../../../no/such", "a" * 5000, "..%2f..%2fetc", "C:\\x"]
)
def test_a_hostile_path_is_a_sentence(run, code, path):
    """S-34 for the command."""
    status, out, err = run(path)
    assert status == 2 and err and not out
    assert not Audit.objects.exists()


def test_a_vendors_refusal_ends_with_one(run, vendors):
    vendors.fault("status", status=400)
    status, out, err = run(stdin=BAD)
    assert status == 1 and not out and err.strip()


def test_ctrl_c_keeps_what_was_judged_and_ends_with_130(run, vendors):
    vendors.script(text='{"findings": []}')
    vendors.script(pieces=HANGS)
    long = "x = 1\n" * 30_000  # two pieces

    def interrupt():
        wait_for_request(vendors, 2)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    status, out, _ = run("--json", stdin=long)
    assert status == 130
    assert from_json(out).was_cancelled
    assert Audit.objects.get().state == "stopped"


def test_nothing_drives_the_terminal():
    finding = make_finding(explanation="\x1b[2J\u202egone", file="a.py")
    text = as_text(make_report(finding))
    assert "\x1b" not in text and "\u202e" not in text
