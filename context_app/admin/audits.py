"""Code audits for operators: who had what audited, by which model, at what cost.

Read-only, and without the findings: a report is its owner's. Deleting is for privacy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from context_app.models import Audit

if TYPE_CHECKING:  # generic for the type checker only
    _ModelAdmin = admin.ModelAdmin[Audit]
else:
    _ModelAdmin = admin.ModelAdmin

SHOWN = (
    "id", "owner", "source_name", "source_hash", "state", "cause", "provider",
    "credential_name", "model", "is_demo", "prompt_version", "findings", "score", "cost_usd",
    "tokens", "done", "total", "now", "worker", "stop_requested_at", "created_at",
    "finished_at",
)  # fmt: skip


@admin.register(Audit)
class AuditAdmin(_ModelAdmin):
    """What was audited; the summary, never the report."""

    list_display = (
        "created_at", "owner", "source_name", "state", "provider", "credential_name",
        "model", "findings", "score", "cost_usd",
    )  # fmt: skip
    list_filter = ("state", "provider", "is_demo")
    search_fields = ("source_name", "owner__username", "credential_name", "model")
    date_hierarchy = "created_at"
    list_select_related = ("owner",)
    list_per_page = 100
    show_full_result_count = False
    fields = SHOWN
    readonly_fields = SHOWN

    def get_queryset(self, request: HttpRequest) -> QuerySet[Audit]:
        return super().get_queryset(request).defer("report")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="findings")
    def findings(self, row: Audit) -> str:
        """How many, by severity."""
        counts = row.summary.get("counts", {})
        return ", ".join(f"{n} {word}" for word, n in counts.items() if n)

    @admin.display(description="prompt version")
    def prompt_version(self, row: Audit) -> str:
        """The words the model was given."""
        return str(row.summary.get("prompt_version", ""))

    @admin.display(description="cost (estimate, USD)")
    def cost_usd(self, row: Audit) -> str:
        """By the prices of its date."""
        return str(row.summary.get("usage", {}).get("cost_usd") or "")

    @admin.display(description="tokens")
    def tokens(self, row: Audit) -> str:
        """What the vendor counted."""
        usage = row.summary.get("usage", {})
        if not usage:
            return ""
        return f"{usage['input_tokens']:,} in, {usage['output_tokens']:,} out"
