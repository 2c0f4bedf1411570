"""What every page knows: whether there is a demo, and which other pages there are."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from sessions_app import navigation, storage
from sessions_app.models import SavedAuthentication


def maestro(request: HttpRequest) -> dict[str, Any]:
    """`demo_banner`: there are demo credentials, so the page must say so, to anybody.

    `pages`: links to the others, made only where a page shows them. `sso_label`: how
    single sign-on is called here, "" without; `sso_passwords`: whether people have
    passwords. `storage_trouble`: why nothing can be saved now, or "".
    """
    return {
        "storage_trouble": storage.state(),
        "demo_banner": SavedAuthentication.objects.demo().exists(),
        "pages": lambda: navigation.links(request),
        "sso_label": settings.MAESTRO_SSO_ISSUER and settings.MAESTRO_SSO_LABEL,
        "sso_passwords": settings.MAESTRO_SSO_PASSWORDS,
    }
