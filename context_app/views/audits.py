"""JSON of code audits: begin, follow, read, export, stop."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from context_app.models import Audit
from sessions_app.errors import Invalid, ServiceError
from sessions_app.runs import audits
from sessions_app.views.json_api import body, json_view


class NewAudit(msgspec.Struct, forbid_unknown_fields=True):
    """`text` (code or a diff) or `files`, path → text. `name` is what later audits of the
    same source are compared by."""

    name: str = "source"
    text: Annotated[str, msgspec.Meta(max_length=audits.MAX_CHARS)] = ""
    files: dict[str, str] = {}
    credential_id: UUID | None = None
    model: str = ""
    severity_floor: str = "info"


def _begin(request: HttpRequest) -> Any:
    sent = body(request, NewAudit)
    if bool(sent.text) == bool(sent.files):
        raise Invalid("Send text or files.", field="text")
    row = audits.start(
        user=request.user,
        source=sent.files or sent.text,
        name=sent.name,
        credential_id=sent.credential_id,
        model=sent.model,
        options={"severity_floor": sent.severity_floor},
    )
    return {"audit": _view(row)}


def _list(request: HttpRequest) -> Any:
    return {"audits": [_view(row) for row in audits.audits_of(request.user)]}


def _show(request: HttpRequest, audit_id: UUID) -> Any:
    row = audits.audit_for(request.user, audit_id)
    calls = row.intents.values("id", "tool", "purpose", "scope", "target", "created_at")
    return {"audit": _view(row), "report": row.report, "intents": list(calls)}


def _stop(request: HttpRequest, audit_id: UUID) -> Any:
    return {"audit": _view(audits.stop(request.user, audit_id))}


@require_safe
@login_required
def export_file(request: HttpRequest, audit_id: UUID, form: str) -> HttpResponse:
    """The report as a file: json, markdown or sarif."""
    try:
        row = audits.audit_for(request.user, audit_id)
        text, media_type, suffix = audits.exported(row, form)
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


def _view(row: Audit) -> dict[str, Any]:
    return {
        "id": row.pk,
        "source": row.source_name,
        "provider": row.provider,
        "credential": row.credential_name,
        "model": row.model,
        "state": row.state,
        "cause": row.cause,
        "done": row.done,
        "total": row.total,
        "now": row.now,
        "score": row.score,
        "created_at": row.created_at.isoformat(),
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
    }


collection = json_view(GET=_list, POST=_begin)
one = json_view(GET=_show, DELETE=_stop)
