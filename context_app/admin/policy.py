"""Rules about tool calls, in their order, and approvals that people gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from context_app.admin.mcp import McpPage
from context_app.admin.preview import PolicyPreview
from context_app.models import PolicyRule, StandingApproval

if TYPE_CHECKING:  # generic for the type checker only
    _ApprovalAdmin = admin.ModelAdmin[StandingApproval]
else:
    _ApprovalAdmin = admin.ModelAdmin


@admin.register(PolicyRule)
class PolicyRuleAdmin(PolicyPreview, McpPage):
    """The first rule that fits decides. Its form says what a change would change."""

    list_display = (
        "name",
        "order",
        "tool",
        "target",
        "scope",
        "risk",
        "person",
        "team",
        "action",
        "is_active",
    )
    list_editable = ("order", "is_active")
    list_filter = ("action", "is_active", "risk")
    list_select_related = ("person", "team")
    search_fields = ("name", "tool", "target", "scope")


@admin.register(StandingApproval)
class StandingApprovalAdmin(_ApprovalAdmin):
    """ "Also for the rest of this conversation": may be taken back here."""

    list_display = ("tool", "risk", "person", "conversation", "created_at")
    list_select_related = ("person", "conversation")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
