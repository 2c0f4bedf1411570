"""What every page knows: whether there is a demo."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from sessions_app.models import SavedAuthentication


def maestro(request: HttpRequest) -> dict[str, Any]:
    """`demo_banner`: there are demo credentials, so the page must say so, to anybody."""
    return {"demo_banner": SavedAuthentication.objects.demo().exists()}
