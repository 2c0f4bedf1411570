"""Is it alive, is it ready, and how much has it done: for supervisors and monitors.

`/healthz` touches nothing but this process. `/readyz` tries what a request needs, once a
second at most, and names what fails. `/metrics` exists only with MAESTRO_METRICS_TOKEN.
None of them tells an anonymous caller more than that.
"""

from __future__ import annotations

import logging
import secrets

from django.conf import settings
from django.db import Error
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from maestro import probes
from sessions_app import counters, presence

log = logging.getLogger(__name__)


@require_GET
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process can answer at all."""
    return JsonResponse({"status": "ok"})


@require_GET
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when a request would succeed, else 503; a word per part, no detail."""
    parts = probes.recent.results()
    is_ready = all(word == "ok" for word in parts.values())
    return JsonResponse(
        {"status": "ok" if is_ready else "failed", "parts": parts},
        status=200 if is_ready else 503,
    )


@require_GET
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text for the bearer of MAESTRO_METRICS_TOKEN: all processes together."""
    token = settings.MAESTRO_METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token:
        raise Http404
    if not secrets.compare_digest(given.encode(), token.encode()):
        return HttpResponse(
            "A bearer token is needed.\n", status=401, content_type="text/plain"
        )
    try:
        # Stored first, then added up from the rows: whoever is asked next sees no less.
        presence.here.beat()
        total = presence.total()
    except Error:
        log.warning("metrics.failed", exc_info=True)
        return HttpResponse(
            "The database is away.\n", status=503, content_type="text/plain"
        )
    counted = CollectorRegistry()
    counted.register(counters.Sum(total))
    text = generate_latest(counted) + generate_latest()
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


@require_GET
def favicon(request: HttpRequest) -> HttpResponseRedirect:
    """Browsers ask for it on pages that name no icon (the admin)."""
    return HttpResponseRedirect(static("img/favicon.svg"))
