"""The pages of code audits. Each view says its template and what that gets.

audits.html  socket_token, has_workspace, max_bytes (of a request)
audit.html   socket_token, audit (a row, without its report)
"""

from __future__ import annotations

from uuid import UUID

from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from context_app.services import audits as kept
from sessions_app.consumers.token import make_socket_token
from sessions_app.errors import NotFound
from sessions_app.runs.audits import sources
from sessions_app.views.pages import TRUSTED_TYPES


@never_cache
@csp_update(TRUSTED_TYPES)
@require_safe
@login_required
def audits(request: HttpRequest) -> HttpResponse:
    """A person's audits, and the form for a new one."""
    return render(
        request,
        "audits.html",
        {
            "socket_token": make_socket_token(request.session),
            "has_workspace": sources.has_workspace(),
            "max_bytes": settings.MAESTRO_MAX_BODY_BYTES,
        },
    )


@never_cache
@csp_update(TRUSTED_TYPES)
@require_safe
@login_required
def audit(request: HttpRequest, **ids: UUID) -> HttpResponse:
    """One audit and its report; a foreign one does not exist."""
    try:
        row = kept.audit_for(request.user, ids["audit_id"])
    except NotFound:
        raise Http404 from None
    token = make_socket_token(request.session)
    return render(request, "audit.html", {"socket_token": token, "audit": row})
