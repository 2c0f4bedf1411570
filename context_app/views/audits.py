"""JSON of code audits: begin, follow, read, stop, repeat, delete; the report as a file."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from context_app.services import audits as kept
from context_app.tools.base import Place
from providers.audit import RULES
from providers.audit.report import Severity
from sessions_app.errors import Invalid, ServiceError
from sessions_app.runs.audits import again as audits_again
from sessions_app.runs.audits import auditing, sources
from sessions_app.services.shapes import audit_view
from sessions_app.storable import without_nul
from sessions_app.views.json_api import body, json_view

MAX_FILES = 2_000

_Text = Annotated[str, msgspec.Meta(max_length=auditing.MAX_CHARS)]


class NewAudit(msgspec.Struct, forbid_unknown_fields=True):
    """One of: `text` (code, or a diff), `files` (path → text), `path` (in the workspace,
    with an optional `pattern`). `name` is what later audits are compared by."""

    name: Annotated[str, msgspec.Meta(max_length=auditing.MAX_NAME)] = ""
    text: _Text = ""
    files: Annotated[dict[str, _Text], msgspec.Meta(max_length=MAX_FILES)] = {}
    path: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    pattern: Annotated[str, msgspec.Meta(max_length=500)] = ""
    kind: Literal["", "text", "diff"] = ""
    credential_id: UUID | None = None
    model: Annotated[str, msgspec.Meta(max_length=200)] = ""
    severity_floor: Severity = "info"


def _begin(request: HttpRequest) -> Any:
    sent = body(request, NewAudit)
    if sum(map(bool, (sent.text.strip(), sent.files, sent.path))) != 1:
        raise Invalid("Give a text, files, or a path of the workspace.", field="text")
    source: str | dict[str, str] = sent.files or sent.text
    left_out: dict[str, str] = {}
    if sent.path:
        gathered = sources.of_workspace(request.user, sent.path, sent.pattern)
        source, left_out = gathered.files, gathered.left_out | gathered.refused
    options: dict[str, Any] = {"severity_floor": sent.severity_floor}
    if isinstance(source, str) and sent.kind:
        options["kind"] = sent.kind
    row = auditing.start(
        user=request.user,
        source=source,
        name=sent.name or sent.path or _name_of(sent.files),
        credential_id=sent.credential_id,
        model=sent.model,
        options=options,
        place=Place(sent.path, sent.pattern) if sent.path else None,
    )
    return {"audit": audit_view(row), "left_out": left_out}


def _name_of(files: dict[str, str]) -> str:
    """What an upload without a name is called: its file, or the directory of all."""
    if not files:
        return ""
    tops = {path.split("/")[0] for path in files}
    return sorted(tops)[0] if len(tops) == 1 else "files"


def _list(request: HttpRequest) -> Any:
    name = without_nul(request.GET.get("source", ""))[: auditing.MAX_NAME]
    rows = kept.audits_of(request.user, source_name=name)
    return {"audits": [audit_view(row) for row in rows]}


def _show(request: HttpRequest, audit_id: UUID) -> Any:
    row = kept.audit_for(request.user, audit_id)
    report = row.report or {}
    used = {f["rule"] for f in report.get("findings", ())}
    fixed = (report.get("comparison") or {}).get("fixed", ())
    used |= {finding["rule"] for finding in fixed}
    return {
        "audit": audit_view(row),
        "report": row.report,
        "rules": {
            name: {"title": rule.title, "cwe": rule.cwe}
            for name, rule in RULES.items()
            if name in used
        },
    }


def _delete(request: HttpRequest, audit_id: UUID) -> Any:
    auditing.delete(request.user, audit_id)


def _stop(request: HttpRequest, audit_id: UUID) -> Any:
    return {"audit": audit_view(auditing.stop(request.user, audit_id))}


def _again(request: HttpRequest, audit_id: UUID) -> Any:
    begun = audits_again.again(request.user, audit_id)
    return {"audit": audit_view(begun.row), "left_out": begun.left_out}


@require_safe
@login_required
def export_file(request: HttpRequest, audit_id: UUID, form: str) -> HttpResponse:
    """The report as a file: json, markdown or sarif."""
    try:
        row = kept.audit_for(request.user, audit_id)
        text, media_type, suffix = kept.exported(row, form)
    except ServiceError:
        raise Http404 from None
    response = HttpResponse(text, content_type=f"{media_type}; charset=utf-8")
    name = slugify(row.source_name, allow_unicode=True)[:60] or "audit"
    disposition = content_disposition_header(True, f"{name}{suffix}")
    response["Content-Disposition"] = disposition or "attachment"
    # What models and code say must never be rendered on our origin.
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "no-store"
    return response


collection = json_view(GET=_list, POST=_begin)
one = json_view(GET=_show, DELETE=_delete)
stop = json_view(POST=_stop)
again = json_view(POST=_again)
