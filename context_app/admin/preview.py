"""The button of the rule's form that says what the rule would have changed.

It replays the calls of the past weeks with the rule as the form has it. Nothing is saved.
"""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_POST

from context_app.models import PolicyRule
from context_app.services import dry_run

if TYPE_CHECKING:  # generic for the type checker only
    _RuleAdmin = admin.ModelAdmin[PolicyRule]
else:
    _RuleAdmin = admin.ModelAdmin

DAYS = 28
MAX_CALLS = 50_000
MAX_SHOWN = 200


class PolicyPreview(_RuleAdmin):
    """Base of the admin of rules: a preview beside *Save*."""

    change_form_template = "admin/context_app/policyrule/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view: Any = self.admin_site.admin_view(require_POST(self.preview))
        name = "context_app_policyrule_preview"
        return [
            path("add/preview/", view, name=f"{name}_new"),
            path("<path:object_id>/change/preview/", view, name=name),
            *super().get_urls(),
        ]

    def preview(self, request: HttpRequest, object_id: str = "") -> HttpResponse:
        """What would change in the past weeks, row by row."""
        asks = self.has_change_permission if object_id else self.has_add_permission
        if not asks(request):
            raise PermissionDenied
        rule = self.get_object(request, object_id) if object_id else None
        if object_id and rule is None:
            raise Http404
        form = self.get_form(request, rule, change=rule is not None)(
            request.POST, instance=rule
        )
        context = {
            **self.admin_site.each_context(request),
            "title": "What this rule would have changed",
            "opts": self.model._meta,
            "form": form,
            "days": DAYS,
            # They are other people's calls: for those who may read the record.
            "may_see": request.user.has_perm("context_app.view_toolintent"),
        }
        if form.is_valid():
            context |= _differences(form.save(commit=False))
        page = "admin/context_app/policyrule/preview.html"
        return TemplateResponse(request, page, context)


def _differences(rule: PolicyRule) -> dict[str, Any]:
    """Counts of all differences, and the newest of them."""
    since = timezone.now() - timedelta(days=DAYS)
    calls = dry_run.replay(dry_run.with_change(rule), since=since)
    newest: deque[dry_run.Replayed] = deque(maxlen=MAX_SHOWN)
    looked = different = 0
    for row in islice(calls, MAX_CALLS):
        looked += 1
        if row.is_different:
            different += 1
            newest.appendleft(row)
    return {
        "rule": rule,
        "calls": looked,
        "is_cut": next(calls, None) is not None,
        "different": different,
        "shown": list(newest),
    }
