"""A report in the forms that leave the house, and back from JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from providers.audit.markdown import to_markdown
from providers.audit.report import REPORT_VERSION, AuditReport
from providers.audit.sarif import to_sarif
from providers.errors import ConfigurationError
from providers.parameters import check_word


class Form(NamedTuple):
    """One form: how it is written, its media type, the end of its file name."""

    write: Callable[[AuditReport], str]
    media_type: str
    suffix: str


def to_json(report: AuditReport) -> str:
    """The report itself; `from_json` reads it."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def from_json(text: str | bytes) -> AuditReport:
    """A report as `to_json` wrote it. Raises ConfigurationError for anything else."""
    try:
        report = msgspec.json.decode(text, type=AuditReport)
    except (msgspec.DecodeError, UnicodeError) as exc:
        raise ConfigurationError(f"This is no report of an audit: {exc}.") from exc
    if report.report_version != REPORT_VERSION:
        raise ConfigurationError(
            f"This report has form {report.report_version}; known is {REPORT_VERSION}."
        )
    return report


def _sarif_text(report: AuditReport) -> str:
    return json.dumps(to_sarif(report), indent=2, ensure_ascii=False) + "\n"


FORMS: dict[str, Form] = {
    "json": Form(to_json, "application/json", ".json"),
    "markdown": Form(to_markdown, "text/markdown", ".md"),
    "sarif": Form(_sarif_text, "application/sarif+json", ".sarif"),
}


def export(report: AuditReport, form: str) -> str:
    """The report as text. Raises ConfigurationError for a form that there is not."""
    check_word("export", "form", form, tuple(FORMS))
    return FORMS[form].write(report)
