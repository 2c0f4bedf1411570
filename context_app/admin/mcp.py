"""The page about MCP servers: how those of this web process are, and what they offer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET

from context_app.mcp import servers
from context_app.models import PolicyRule

if TYPE_CHECKING:  # generic for the type checker only
    _RuleAdmin = admin.ModelAdmin[PolicyRule]
else:
    _RuleAdmin = admin.ModelAdmin


class McpPage(_RuleAdmin):
    """Base of the admin of rules: rules are about tools, and some tools come from here."""

    change_list_template = "admin/context_app/policyrule/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        view: Any = self.admin_site.admin_view(require_GET(self.mcp_servers))
        return [path("mcp/", view, name="context_app_mcp"), *super().get_urls()]

    def mcp_servers(self, request: HttpRequest) -> HttpResponse:
        """Asks nobody: shows what the background found last."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        loaded = servers.loaded()
        context = {
            **self.admin_site.each_context(request),
            "title": "MCP servers",
            "opts": self.model._meta,
            "problems": [*loaded.problems, *loaded.warnings],
            "states": servers.states(),
        }
        return TemplateResponse(request, "admin/context_app/mcp.html", context)
