"""The admin's page about operations: how the installation is, and who is at work in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from maestro.operations import overview
from sessions_app.models import ServerProcess

if TYPE_CHECKING:  # generic for the type checker only
    _ProcessAdmin = admin.ModelAdmin[ServerProcess]
else:
    _ProcessAdmin = admin.ModelAdmin


@admin.register(ServerProcess)
class OperationsAdmin(_ProcessAdmin):
    """One page instead of a list of rows; for administrators, and nothing to change."""

    def get_urls(self) -> list[URLPattern]:
        view: Any = self.admin_site.admin_view(require_safe(self.page))
        return [path("", view, name="sessions_app_serverprocess_changelist")]

    def page(self, request: HttpRequest) -> HttpResponse:
        """Read anew each time it is looked at."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            **overview.everything(),
            "title": "Operations",
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/operations.html", context)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
