"""Pages and the JSON they use. Everything needs a login but what says otherwise."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from sessions_app.views import (
    conversations,
    credentials,
    imports,
    logins,
    pages,
    runs,
    usage,
)

urlpatterns = [
    path("", pages.chat, name="chat"),
    path("c/<uuid:conversation_id>/", pages.chat, name="conversation"),
    path(
        "c/<uuid:conversation_id>/export.md",
        conversations.export_file,
        {"kind": "md"},
        name="export-markdown",
    ),
    path(
        "c/<uuid:conversation_id>/export.json",
        conversations.export_file,
        {"kind": "json"},
        name="export-json",
    ),
    path("credentials/", pages.credentials, name="credentials"),
    path("usage/", usage.page, name="usage"),
    path("usage/export.csv", usage.export, {"kind": "csv"}, name="usage-csv"),
    path("usage/export.json", usage.export, {"kind": "json"}, name="usage-json"),
    path("api/usage/", usage.api, name="api-usage"),
    path("setup/<str:token>/", pages.set_up, name="setup"),
    path("login/", pages.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("api/conversations/", conversations.collection, name="api-conversations"),
    path(
        "api/conversations/<uuid:conversation_id>/",
        conversations.one,
        name="api-conversation",
    ),
    path(
        "api/conversations/<uuid:conversation_id>/messages/",
        conversations.messages,
        name="api-messages",
    ),
    path(
        "api/conversations/<uuid:conversation_id>/branch/",
        conversations.branch,
        name="api-branch",
    ),
    path("api/credentials/", credentials.collection, name="api-credentials"),
    path("api/credentials/try/", credentials.try_unsaved, name="api-credential-try"),
    path(
        "api/credentials/<uuid:credential_id>/", credentials.one, name="api-credential"
    ),
    path(
        "api/credentials/<uuid:credential_id>/test/",
        credentials.test,
        name="api-credential-test",
    ),
    path(
        "api/credentials/<uuid:credential_id>/key/",
        credentials.key,
        name="api-credential-key",
    ),
    path(
        "api/credentials/<uuid:credential_id>/share/",
        credentials.share,
        name="api-credential-share",
    ),
    path(
        "api/credentials/<uuid:credential_id>/models/",
        credentials.models,
        name="api-credential-models",
    ),
    path(
        "api/credentials/<uuid:credential_id>/refresh/",
        credentials.refresh,
        name="api-credential-refresh",
    ),
    path(
        "api/credentials/<uuid:credential_id>/mode/",
        credentials.mode,
        name="api-credential-mode",
    ),
    path(
        "api/credentials/<uuid:credential_id>/revoke/",
        credentials.revoke,
        name="api-credential-revoke",
    ),
    path("api/logins/", logins.collection, name="api-logins"),
    path("api/logins/<uuid:login_id>/", logins.one, name="api-login"),
    path("api/logins/<uuid:login_id>/answer/", logins.paste, name="api-login-answer"),
    path("api/imports/", imports.read, name="api-imports"),
    path("api/imports/save/", imports.save, name="api-imports-save"),
    path("oauth/callback/<slug:provider>/", logins.callback, name="oauth-callback"),
    path("api/runs/<uuid:run_id>/intents/", runs.intents, name="api-run-intents"),
    path(
        "api/runs/<uuid:run_id>/continuation/",
        runs.continuation,
        name="api-run-continuation",
    ),
    path("api/runs/<uuid:run_id>/attempts/", runs.attempts, name="api-run-attempts"),
    path("api/intents/<uuid:intent_id>/", runs.decide, name="api-intent"),
    path("api/providers/", credentials.providers, name="api-providers"),
    path("api/local-servers/", credentials.local_servers, name="api-local-servers"),
    path("api/demo/", credentials.demo, name="api-demo"),
]
