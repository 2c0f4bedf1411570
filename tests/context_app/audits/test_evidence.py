"""AC-TI1: why the audited files were written as they are, from the tool calls that did."""

from __future__ import annotations

import json

import pytest

from context_app.models import ToolIntent
from context_app.services import audits as kept
from providers.audit import export, from_json
from tests.sessions_app.factories import make_intent, make_user
from tests.sessions_app.factories_runs import make_run

pytestmark = pytest.mark.django_db(transaction=True)

FILES = {"src/a.py": "x = 1\n", "src/with space.py": "y = eval(x)\n"}


def wrote(user, target, **fields):
    """A tool call of this person that is done."""
    given = {"state": "done", "tool": "write_file", "purpose": "maintenance",
             "scope": f"Change {target}."}  # fmt: skip
    return make_intent(make_run(user), target=target, **{**given, **fields})


def test_calls_that_wrote_audited_files_are_attached(auditor):
    one = wrote(auditor.user, "src/a.py", scope="Make the loader faster.")
    patch = wrote(auditor.user, "src/a.py, src/with space.py", tool="apply_patch")
    shell = wrote(auditor.user, "sed -i s/1/2/ 'src/a.py'; ls", tool="shell")
    row = auditor.run(FILES, "src")
    assert set(row.intents.all()) == {one, patch, shell}
    by_id = {i.id: i for i in kept.report_of(row).intents}
    assert by_id[str(one.pk)].scope == "Make the loader faster."
    assert by_id[str(one.pk)].purpose == "maintenance"
    assert by_id[str(one.pk)].files == ["src/a.py"]
    assert by_id[str(patch.pk)].files == sorted(FILES)


@pytest.mark.parametrize(
    "fields",
    [
        {"target": "a.py"},
        {"target": "other/src/a.py"},
        {"target": "src/a.py", "computed_risk": "low", "tool": "read_file"},
        {"target": "src/a.py", "state": "refused"},
        {"target": "src/a.py", "state": "failed"},
    ],
)
def test_what_wrote_nothing_of_it_is_no_evidence(auditor, fields):
    wrote(auditor.user, **fields)
    assert not auditor.run(FILES, "src").intents.exists()


def test_calls_of_other_people_are_not_shown(auditor):
    wrote(make_user(), "src/a.py", scope="A secret of somebody else's.")
    row = auditor.run(FILES, "src")
    assert not row.intents.exists()
    assert "somebody else" not in json.dumps(row.report)


def test_every_export_says_why(auditor):
    wrote(auditor.user, "src/a.py", scope="Faster <b>loading</b> [x](http://e.example)")
    report = kept.report_of(auditor.run(FILES, "src"))
    sarif = json.loads(export(report, "sarif"))
    (intent,) = sarif["runs"][0]["properties"]["intents"]
    assert (intent["purpose"], intent["files"]) == ("maintenance", ["src/a.py"])
    assert from_json(export(report, "json")).intents == report.intents
    markdown = export(report, "markdown")
    assert "Why the audited files were written" in markdown
    assert "<b>" not in markdown and "](http" not in markdown


def test_the_record_of_the_call_may_go_and_the_report_stays(auditor):
    wrote(auditor.user, "src/a.py")
    row = auditor.run(FILES, "src")
    row.intents.clear()
    assert len(kept.report_of(row).intents) == 1
    assert ToolIntent.objects.count() == 1
