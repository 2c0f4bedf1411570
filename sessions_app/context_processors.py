"""What every page of a signed-in person knows: whether there is a demo."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from sessions_app.models import SavedAuthentication


def maestro(request: HttpRequest) -> dict[str, Any]:
    """`demo_banner`: demo credentials exist, so the page must say so."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"demo_banner": False}
    return {"demo_banner": SavedAuthentication.objects.demo().exists()}
