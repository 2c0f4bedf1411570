"""Limits, which administrators set, and usage, which nobody changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from sessions_app.models.usage import NANO, UsageDay, UsageLimit

if TYPE_CHECKING:  # generic for the type checker only
    _LimitAdmin = admin.ModelAdmin[UsageLimit]
    _DayAdmin = admin.ModelAdmin[UsageDay]
else:
    _LimitAdmin, _DayAdmin = admin.ModelAdmin, admin.ModelAdmin


@admin.register(UsageLimit)
class UsageLimitAdmin(_LimitAdmin):
    """One rule a row. In force at once, for calls that begin after it was saved."""

    list_display = ("whose", "metric", "amount", "note", "updated_at")
    list_filter = ("scope", "metric")
    search_fields = ("person__username", "team__name", "credential__name", "note")
    list_select_related = ("person", "team", "credential")
    autocomplete_fields = ("person", "team", "credential")
    fields = ("scope", "person", "team", "credential", "metric", "amount", "note")

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Say what an empty choice means."""
        each = "Empty: each of them, unless another rule names it."
        texts = dict.fromkeys(("person", "team", "credential"), each)
        return super().get_form(request, *args, **kwargs, help_texts=texts)


@admin.register(UsageDay)
class UsageDayAdmin(_DayAdmin):
    """Who used what, by day. Sums by person, team and credential: the page of usage."""

    list_display = (
        "day",
        "person_name",
        "credential_name",
        "provider",
        "model",
        "requests",
        "input_tokens",
        "output_tokens",
        "cost",
    )
    list_filter = ("day", "provider", "person__teams", "person_name", "credential_name")
    search_fields = ("person_name", "credential_name", "model")
    date_hierarchy = "day"
    list_display_links = None

    @admin.display(description="cost ≈ US$", ordering="nanos")
    def cost(self, row: UsageDay) -> str:
        """By the prices of that time."""
        return f"{row.nanos / NANO:.4f}" + (" + ?" if row.unpriced else "")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
