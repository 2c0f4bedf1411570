"""What the list and the page of a credential show: one row's columns, no query of its own.

Account, plan and mode come from the JSON column that the row brings along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from sessions_app.admin.pages import ModelAdmin
from sessions_app.models.authentication import Condition, SavedAuthentication

if TYPE_CHECKING:
    Rows = QuerySet[SavedAuthentication]

EMPTY = "-"


class ConditionFilter(admin.SimpleListFilter):
    """By how a credential is now, which the clock and a lease decide, too."""

    title = "condition"
    parameter_name = "condition"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, label in Condition.choices]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        value = self.value()
        if value is None:
            return queryset
        # The name of an annotation (`with_condition`), which the checker does not know.
        return queryset.filter(**{"condition": value})


class Columns(ModelAdmin):
    """Columns that are computed from a loaded row."""

    @admin.display(description="kind", ordering="auth_type")
    def kind(self, row: SavedAuthentication) -> str:
        """An API key, or a login."""
        return "login" if row.auth_type == "oauth" else "key"

    @admin.display(description="account")
    def account(self, row: SavedAuthentication) -> str:
        """The address that signed in, or the vendor's id of the account."""
        return _fact(row, "email") or _fact(row, "account_id") or EMPTY

    @admin.display(description="plan")
    def plan(self, row: SavedAuthentication) -> str:
        return _fact(row, "plan") or EMPTY

    @admin.display(description="mode")
    def mode(self, row: SavedAuthentication) -> str:
        return _fact(row, "mode") or EMPTY

    @admin.display(description="warning")
    def warning(self, row: SavedAuthentication) -> str:
        """What its owner should know about how it is used."""
        return _fact(row, "warning") or EMPTY

    @admin.display(description="condition", ordering="condition")
    def condition(self, row: SavedAuthentication) -> str:
        found = getattr(row, "condition", None) or row.condition_at()
        return str(Condition(found).label)

    @admin.display(
        description="last refresh", ordering=F("last_refresh_at").desc(nulls_last=True)
    )
    def last_refresh(self, row: SavedAuthentication) -> Any:
        return row.last_refresh_at

    @admin.display(description="its result")
    def refresh_result(self, row: SavedAuthentication) -> str:
        """Why the last renewal brought nothing; "ok" when it did."""
        if row.refresh_error:
            return str(row.refresh_error.get("message") or "failed")
        return "ok" if row.last_refresh_at else EMPTY

    @admin.display(description="shared with")
    def sharing(self, row: SavedAuthentication) -> str:
        """Everyone, a team's name, or nobody."""
        if row.is_shared_with_everyone:
            return "everyone"
        return f"team {row.team}" if row.team else "nobody"

    @admin.display(description="only for who signed in", boolean=True)
    def personal(self, row: SavedAuthentication) -> bool:
        return row.is_personal

    @admin.display(description="test")
    def test_button(self, row: SavedAuthentication) -> str:
        """A button of the list's own form, which brings the CSRF token."""
        return format_html(
            '<button type="submit" class="button" formaction="{}" '
            'aria-label="Test {}">Test</button>',
            reverse("admin:sessions_app_credential_test", args=[row.pk]),
            row.name,
        )


def _fact(row: SavedAuthentication, name: str) -> str:
    return str(row.metadata.get(name) or "")
