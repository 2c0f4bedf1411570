"""The table of contents of the web: each app brings its own."""

from django.contrib import admin
from django.urls import include, path

from maestro import csp_reports, health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("csp-report", csp_reports.report, name="csp-report"),
    path("favicon.ico", health.favicon, name="favicon"),
    path("admin/", admin.site.urls),
    path("", include("sessions_app.urls")),
    path("", include("context_app.urls")),
]

# Refusals before a view is reached: JSON for /api/, pages for people.
handler400 = "sessions_app.views.refusals.bad_request"
handler404 = "sessions_app.views.refusals.not_found"
handler500 = "sessions_app.views.refusals.server_error"
