"""Who may enter the admin: staff, and whom a group gave something to read there.

Auditors see what the models of `context_app` record. They are not staff: staff are the
administrators of this installation, who may change people and credentials.
"""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.http import HttpRequest

from context_app.auditors import may_enter_admin


class Site(AdminSite):
    """Named in `maestro.apps.AdminConfig`."""

    site_header = "Maestro administration"
    site_title = "Maestro"
    index_title = "Operate this installation"

    def has_permission(self, request: HttpRequest) -> bool:
        return may_enter_admin(request.user)
