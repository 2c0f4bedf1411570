"""Addresses of the context: the panel's JSON, the library, and code audits."""

from __future__ import annotations

from django.urls import path

from context_app.views import audit_pages, audits, context, library

_CONTEXT = "api/conversations/<uuid:conversation_id>/context/"

urlpatterns = [
    path(_CONTEXT, context.collection, name="api-context"),
    path(f"{_CONTEXT}preview/", context.preview, name="api-context-preview"),
    path(f"{_CONTEXT}bring-back/", context.bring_back, name="api-context-back"),
    path(f"{_CONTEXT}summary/", context.summary, name="api-context-summary"),
    path(f"{_CONTEXT}file/", context.file, name="api-context-file"),
    path(f"{_CONTEXT}<uuid:chunk_id>/", context.one, name="api-context-chunk"),
    path("api/runs/<uuid:run_id>/requests/", context.sent, name="api-run-requests"),
    path("runs/<uuid:run_id>/requests.json", context.sent_file, name="run-requests"),
    path("library/", library.page, name="library"),
    path("api/library/", library.collection, name="api-library"),
    path("api/library/<uuid:entry_id>/", library.one, name="api-library-entry"),
    path(
        "api/library/<uuid:entry_id>/attach/", library.attach, name="api-library-attach"
    ),
    path(
        "api/attachments/<uuid:attachment_id>/",
        library.attachment,
        name="api-attachment",
    ),
    path("audits/", audit_pages.audits, name="audits"),
    path("audits/<uuid:audit_id>/", audit_pages.audit, name="audit"),
    path("api/audits/", audits.collection, name="api-audits"),
    path("api/audits/<uuid:audit_id>/", audits.one, name="api-audit"),
    path("api/audits/<uuid:audit_id>/stop/", audits.stop, name="api-audit-stop"),
    path("api/audits/<uuid:audit_id>/again/", audits.again, name="api-audit-again"),
    path(
        "audits/<uuid:audit_id>/report.json",
        audits.export_file,
        {"form": "json"},
        name="audit-json",
    ),
    path(
        "audits/<uuid:audit_id>/report.md",
        audits.export_file,
        {"form": "markdown"},
        name="audit-markdown",
    ),
    path(
        "audits/<uuid:audit_id>/report.sarif",
        audits.export_file,
        {"form": "sarif"},
        name="audit-sarif",
    ),
]
