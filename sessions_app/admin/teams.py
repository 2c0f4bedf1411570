"""Teams and who is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from sessions_app.models.team import Membership, Team
from sessions_app.services import teams

if TYPE_CHECKING:  # generic for the type checker only
    _ModelAdmin = admin.ModelAdmin[Team]
    _TabularInline = admin.TabularInline[Membership, Team]
else:
    _ModelAdmin, _TabularInline = admin.ModelAdmin, admin.TabularInline


class MembershipInline(_TabularInline):
    """The people of a team."""

    model = Membership
    extra = 1
    verbose_name = "member"
    verbose_name_plural = "members"


@admin.register(Team)
class TeamAdmin(_ModelAdmin):
    """What is shared with a team that is deleted becomes personal again."""

    list_display = ("name", "members_count", "created_at")
    search_fields = ("name", "members__username")
    fields = ("name",)
    inlines = (MembershipInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        rows = super().get_queryset(request)
        rows = rows.annotate(people=Count("memberships", distinct=True))
        return cast("QuerySet[Team]", rows)

    def delete_model(self, request: HttpRequest, obj: Team) -> None:
        teams.delete_team(user=request.user, team_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Team]) -> None:
        for team in queryset:
            self.delete_model(request, team)

    @admin.display(description="members", ordering="people")
    def members_count(self, team: Any) -> int:
        """How many people are in it."""
        return int(team.people)
