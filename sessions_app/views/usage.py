"""The page of usage, its exports, and its JSON. Everybody sees their own; staff, all."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from sessions_app.errors import Invalid, ServiceError
from sessions_app.services import usage_report
from sessions_app.views.json_api import answer, json_view

_COLUMNS = (
    "name",
    "requests",
    "input_tokens",
    "output_tokens",
    "tokens",
    "cost_usd",
    "prices_from",
    "estimated",
    "unpriced",
)
_DAYS = (1, 7, 30, 90, 365)
# A cell that begins like this is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@never_cache
@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """Today, lately, and the limits with what is used of them."""
    found = _or_404(request)
    choices = usage_report.BY_STAFF if _is_for_all(request) else usage_report.BY
    context = {
        "report": found,
        "choices": choices,
        "is_for_all": _is_for_all(request),
        "days": int(request.GET.get("days", "30")),
        "days_choices": _DAYS,
        "query": request.GET.urlencode(),
    }
    return render(request, "usage.html", context)


@never_cache
@require_safe
@login_required
def export(request: HttpRequest, kind: str) -> HttpResponse:
    """The same as a file: JSON with everything, CSV with the rows."""
    found = _or_404(request)
    if kind == "json":
        response = answer(found)
    else:
        response = HttpResponse(_as_csv(found), content_type="text/csv; charset=utf-8")
    name = f"usage-{found['since']}-{found['today']}.{kind}"
    response["Content-Disposition"] = content_disposition_header(True, name) or ""
    return response


def _show(request: HttpRequest) -> Any:
    return _report(request)


def _or_404(request: HttpRequest) -> dict[str, Any]:
    try:
        return _report(request)
    except ServiceError:
        raise Http404 from None


def _report(request: HttpRequest) -> dict[str, Any]:
    days = request.GET.get("days", "30")
    if not days.isascii() or not days.isdigit() or len(days) > 4:
        raise Invalid("days is a number.", field="days")
    return usage_report.report(
        request.user,
        days=int(days),
        by=request.GET.get("by", "model"),
        everyone=_is_for_all(request),
    )


def _is_for_all(request: HttpRequest) -> bool:
    return request.GET.get("of") == "everyone"


def _as_csv(found: dict[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([found["by"], *_COLUMNS[1:]])
    for row in found["rows"]:
        writer.writerow([_cell(row.get(name, "")) for name in _COLUMNS])
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


api = json_view(GET=_show)
