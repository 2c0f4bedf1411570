"""Is it alive, is it ready, and how much has it done: for supervisors and monitors.

`/healthz` touches nothing but this process. `/readyz` tries what a request needs and
names what fails. `/metrics` exists only with MAESTRO_METRICS_TOKEN. None of them tells
an anonymous caller more than that.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.templatetags.static import static
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from sessions_app import crypto

log = logging.getLogger(__name__)


@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process can answer at all."""
    return JsonResponse({"status": "ok"})


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _migrations() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise RuntimeError("migrations are waiting: run manage.py migrate")


def _keys() -> None:
    crypto.verify_canary()


_PROBES: dict[str, Callable[[], None]] = {
    "database": _database,
    "migrations": _migrations,
    "encryption_key": _keys,
}


@require_GET
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when a request would succeed, else 503; a word per part, no detail."""
    parts = {}
    for name, probe in _PROBES.items():
        try:
            probe()
            parts[name] = "ok"
        except Exception:  # any failure of a part is the answer, not an error here
            log.warning("readyz.failed", extra={"part": name}, exc_info=True)
            parts[name] = "failed"
    is_ready = all(word == "ok" for word in parts.values())
    return JsonResponse(
        {"status": "ok" if is_ready else "failed", "parts": parts},
        status=200 if is_ready else 503,
    )


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for the bearer of MAESTRO_METRICS_TOKEN."""
    token = settings.MAESTRO_METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token:
        raise Http404
    if not secrets.compare_digest(given.encode(), token.encode()):
        return HttpResponse(
            "A bearer token is needed.\n", status=401, content_type="text/plain"
        )
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


@require_GET
def favicon(request: HttpRequest) -> HttpResponseRedirect:
    """Browsers ask for it on pages that name no icon (the admin)."""
    return HttpResponseRedirect(static("img/favicon.svg"))
