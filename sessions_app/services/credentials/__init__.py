"""Credentials, all services in one place: what doors import.

    rows          list_credentials  credential_for  managed_credential  find_credential
                  default_credential  credential_view
    changes       add_api_key  rotate_key  share_credential  delete_credential
    checks        check_credential  try_credential  models_for
    saved_logins  refresh_credential  choose_mode  revoke_credential
    demo          offer_demo  remove_demo  withdraw_demo
    imports       from files of other programs; its own door takes it from there
    inputs        what people type, checked field by field

Owner and staff rotate, share and delete; whom it is shared with may use and test it. A
foreign id is not found. No function returns a secret.
"""

from providers.provider import LocalServer, local_servers
from sessions_app.services.credentials.changes import (
    add_api_key,
    delete_credential,
    rotate_key,
    share_credential,
)
from sessions_app.services.credentials.checks import (
    CheckResult,
    check_credential,
    models_for,
    try_credential,
)
from sessions_app.services.credentials.demo import (
    offer_demo,
    remove_demo,
    withdraw_demo,
)
from sessions_app.services.credentials.rows import (
    credential_for,
    credential_view,
    default_credential,
    find_credential,
    list_credentials,
    managed_credential,
    testable_credential,
)
from sessions_app.services.credentials.saved_logins import (
    choose_mode,
    refresh_credential,
    revoke_credential,
)

__all__ = [
    "CheckResult",
    "LocalServer",
    "add_api_key",
    "check_credential",
    "choose_mode",
    "credential_for",
    "credential_view",
    "default_credential",
    "delete_credential",
    "find_credential",
    "list_credentials",
    "local_servers",
    "managed_credential",
    "models_for",
    "offer_demo",
    "refresh_credential",
    "remove_demo",
    "revoke_credential",
    "rotate_key",
    "share_credential",
    "testable_credential",
    "try_credential",
    "withdraw_demo",
]
