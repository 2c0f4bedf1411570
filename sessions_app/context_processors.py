"""What every page knows: whether there is a demo."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from context_app.auditors import may_enter_admin
from sessions_app.models import SavedAuthentication


def maestro(request: HttpRequest) -> dict[str, Any]:
    """`demo_banner`: there are demo credentials, so the page must say so, to anybody.

    `may_enter_admin`: asked only where a page shows the link.
    """
    return {
        "demo_banner": SavedAuthentication.objects.demo().exists(),
        "may_enter_admin": lambda: may_enter_admin(request.user),
    }
