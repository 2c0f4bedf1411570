"""Pages and the JSON they use. Everything needs a login but what says otherwise."""

from django.conf import settings
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

from sessions_app.views import (
    account,
    conversations,
    credentials,
    imports,
    logins,
    one_time,
    pages,
    people,
    runs,
    sharing,
    teams,
    usage,
)

_account = [
    path("", account.show, name="account"),
    path("name/", account.rename, name="account-name"),
    path("password/", account.password, name="account-password"),
    path("browsers/end/", account.end_others, name="account-end-others"),
    path("browsers/<uuid:browser_id>/end/", account.end, name="account-end"),
    path("export.json", account.export, name="account-export"),
]
_people = [
    path("", people.show, name="people"),
    path("<int:person_id>/close/", people.close, name="person-close"),
    path("<int:person_id>/reopen/", people.reopen, name="person-reopen"),
    path("<int:person_id>/sign-out/", people.sign_out, name="person-sign-out"),
    path("<int:person_id>/reset/", people.reset, name="person-reset"),
]
_invitations = [
    path("", people.invite, name="invite"),
    path("<uuid:invitation_id>/renew/", people.renew, name="invitation-renew"),
    path("<uuid:invitation_id>/revoke/", people.revoke, name="invitation-revoke"),
]
_team = [
    path("", teams.one, name="team"),
    path("rename/", teams.rename, name="team-rename"),
    path("delete/", teams.delete, name="team-delete"),
    path("members/", teams.add_member, name="team-add-member"),
    path("members/<int:person_id>/role/", teams.set_role, name="team-role"),
    path("members/<int:person_id>/remove/", teams.remove, name="team-remove"),
    path(
        "credentials/<uuid:credential_id>/withdraw/",
        teams.withdraw,
        name="team-withdraw",
    ),
]

_export = [
    path(
        "export.md", conversations.export_file, {"kind": "md"}, name="export-markdown"
    ),
    path(
        "export.json", conversations.export_file, {"kind": "json"}, name="export-json"
    ),
]
_usage = [
    path("", usage.page, name="usage"),
    path("export.csv", usage.export, {"kind": "csv"}, name="usage-csv"),
    path("export.json", usage.export, {"kind": "json"}, name="usage-json"),
]

_conversation_api = [
    path("", conversations.one, name="api-conversation"),
    path("messages/", conversations.messages, name="api-messages"),
    path("branch/", conversations.branch, name="api-branch"),
    path("shares/", sharing.collection, name="api-shares"),
    path("shares/<uuid:share_id>/", sharing.one, name="api-share"),
]
_credential_api = [
    path("", credentials.one, name="api-credential"),
    path("test/", credentials.test, name="api-credential-test"),
    path("key/", credentials.key, name="api-credential-key"),
    path("share/", credentials.share, name="api-credential-share"),
    path("models/", credentials.models, name="api-credential-models"),
    path("refresh/", credentials.refresh, name="api-credential-refresh"),
    path("mode/", credentials.mode, name="api-credential-mode"),
    path("revoke/", credentials.revoke, name="api-credential-revoke"),
]
_run_api = [
    path("intents/", runs.intents, name="api-run-intents"),
    path("continuation/", runs.continuation, name="api-run-continuation"),
    path("attempts/", runs.attempts, name="api-run-attempts"),
]
_api: list[URLPattern | URLResolver] = [
    path("usage/", usage.api, name="api-usage"),
    path("conversations/", conversations.collection, name="api-conversations"),
    path("conversations/<uuid:conversation_id>/", include(_conversation_api)),
    path("credentials/", credentials.collection, name="api-credentials"),
    path("credentials/try/", credentials.try_unsaved, name="api-credential-try"),
    path("credentials/<uuid:credential_id>/", include(_credential_api)),
    path("logins/", logins.collection, name="api-logins"),
    path("logins/<uuid:login_id>/", logins.one, name="api-login"),
    path("logins/<uuid:login_id>/answer/", logins.paste, name="api-login-answer"),
    path("imports/", imports.read, name="api-imports"),
    path("imports/save/", imports.save, name="api-imports-save"),
    path("runs/<uuid:run_id>/", include(_run_api)),
    path("intents/<uuid:intent_id>/", runs.decide, name="api-intent"),
    path("providers/", credentials.providers, name="api-providers"),
    path("local-servers/", credentials.local_servers, name="api-local-servers"),
    path("demo/", credentials.demo, name="api-demo"),
]

_sso: list[URLPattern] = []
if settings.MAESTRO_SSO_ISSUER:
    from sessions_app.services.people.single_sign_on import issuer_key
    from sessions_app.views import sso

    _key = {"provider_id": issuer_key(settings.MAESTRO_SSO_ISSUER)}
    _sso = [
        path("", sso.begin, name="sso-begin"),
        # By the name under which the library looks for it.
        path("callback/", sso.callback, _key, name="openid_connect_callback"),
    ]

urlpatterns = [
    path("", pages.chat, name="chat"),
    path("c/<uuid:conversation_id>/", pages.chat, name="conversation"),
    path("c/<uuid:conversation_id>/", include(_export)),
    path("credentials/", pages.credentials, name="credentials"),
    path("usage/", include(_usage)),
    path("account/", include(_account)),
    path("people/", include(_people)),
    path("invitations/", include(_invitations)),
    path("teams/", teams.show, name="teams"),
    path("teams/add/", teams.add, name="team-add"),
    path("teams/<uuid:team_id>/", include(_team)),
    path("api/", include(_api)),
    # How one comes in.
    path("setup/<str:token>/", pages.set_up, name="setup"),
    path("join/", one_time.join, name="join-nothing"),
    path("join/<str:token>/", one_time.join, name="join"),
    path("reset/", one_time.new_password, name="reset-nothing"),
    path("reset/<str:token>/", one_time.new_password, name="reset"),
    path("login/", pages.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("sso/", include(_sso)),
    path("oauth/callback/<slug:provider>/", logins.callback, name="oauth-callback"),
]
