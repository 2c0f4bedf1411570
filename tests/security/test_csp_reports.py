"""What browsers report of a page's policy: a line, and nothing that a stranger chose."""

from __future__ import annotations

import json
import logging

import pytest
from django.test import Client

from maestro import csp_reports

pytestmark = pytest.mark.django_db

EVENT = "csp.stopped"


@pytest.fixture(autouse=True)
def _anew(monkeypatch):
    monkeypatch.setattr(csp_reports, "allowance", csp_reports.Allowance())


@pytest.fixture
def lines(caplog):
    """The facts of each line so far."""
    caplog.set_level(logging.WARNING)

    def read():
        names = ("directive", "blocked", "page", "left_out")
        return [
            {name: record.__dict__[name] for name in names}
            for record in caplog.records
            if record.getMessage() == EVENT
        ]

    return read


def send(body=None, **fields):
    given = {
        "document-uri": "http://testserver/credentials/?secret=7a",
        "effective-directive": "script-src-elem",
        "blocked-uri": "https://evil.example/steal.js?cookie=7a#7a",
        "script-sample": "alert('7a')",
        **fields,
    }
    data = json.dumps({"csp-report": given}) if body is None else body
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/csp-report", data, content_type="application/csp-report")
    assert (answer.status_code, answer.content) == (204, b"")


def test_every_page_names_where_to_report(client):
    for path in ("/login/", "/healthz", "/nowhere/"):
        policy = client.get(path)["Content-Security-Policy"]
        assert "report-uri /csp-report" in policy


def test_a_report_is_a_line_without_query_and_page_content(lines, caplog):
    send()
    assert lines() == [
        {
            "directive": "script-src-elem",
            "blocked": "https://evil.example",
            "page": "/credentials/",
            "left_out": 0,
        }
    ]
    assert "7a" not in repr(vars(caplog.records[0]))


def test_a_one_time_link_is_not_written_down(lines):
    for door in ("join", "reset", "setup"):
        send(**{"document-uri": f"http://testserver/{door}/token-of-somebody/"})
    assert [line["page"] for line in lines()] == [
        "/join/<str:token>/",
        "/reset/<str:token>/",
        "/setup/<str:token>/",
    ]


@pytest.mark.parametrize(
    ("uri", "blocked"),
    [
        ("inline", "inline"),
        ("eval", "eval"),
        ("data", "data"),
        ("data:text/html,secret", "data"),
        ("chrome-extension://abcdef/x.js", "chrome-extension"),
        ("wss://evil.example:8443/x", "wss://evil.example:8443"),
        ("https://user:password@evil.example/", "https://evil.example"),
        ("https://evil.example\n{\"event\": \"forged\"}", "https"),
        ("https://" + "a" * 500, "https"),
        ("\u202e", "other"),
        ("", "other"),
    ],
)  # fmt: skip
def test_what_was_stopped_is_an_origin_or_a_kind(lines, uri, blocked):
    send(**{"blocked-uri": uri})
    assert [line["blocked"] for line in lines()] == [blocked]


def test_the_older_name_of_the_directive_is_read_too(lines):
    older = {"effective-directive": "", "violated-directive": "style-src 'self'"}
    send(**older)
    assert [line["directive"] for line in lines()] == ["style-src"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[]", b"null", b"\xff", b'{"csp-report": []}', b'{"csp-report": {}}',
        b'{"csp-report": {"effective-directive": "Forged line"}}',
        b'{"csp-report": {"effective-directive": 7}}',
        json.dumps({"csp-report": {"effective-directive": "img-src", "x": "x" * 20_000}}),
        b"[" * 10_000, b'{"csp-report": {"x": ' + b"[" * 10_000,
    ],
)  # fmt: skip
def test_what_is_no_report_is_not_worth_a_line(lines, body):
    send(body)
    assert lines() == []


def test_a_flood_is_ten_lines_a_minute_and_how_many_were_left_out(lines, monkeypatch):
    for _ in range(35):
        send()
    assert len(lines()) == csp_reports.LINES
    monkeypatch.setattr(csp_reports, "EVERY_S", 0.0)
    send()
    assert lines()[-1]["left_out"] == 25
