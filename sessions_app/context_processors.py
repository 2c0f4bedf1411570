"""What every page knows: whether there is a demo."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from context_app.auditors import may_enter_admin
from sessions_app.models import SavedAuthentication


def maestro(request: HttpRequest) -> dict[str, Any]:
    """`demo_banner`: there are demo credentials, so the page must say so, to anybody.

    `may_enter_admin`: asked only where a page shows the link. `sso_label`: how single
    sign-on is called here, "" without; `sso_passwords`: whether people have passwords.
    """
    return {
        "demo_banner": SavedAuthentication.objects.demo().exists(),
        "may_enter_admin": lambda: may_enter_admin(request.user),
        "sso_label": settings.MAESTRO_SSO_ISSUER and settings.MAESTRO_SSO_LABEL,
        "sso_passwords": settings.MAESTRO_SSO_PASSWORDS,
    }
