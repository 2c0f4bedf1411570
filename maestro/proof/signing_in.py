"""A credential as a person makes one, and its end: what the proof made it also removes.

Through the services, so that what is proven is the saved credential: encrypted, leased,
found by its name. It is named `e2e-…`, belongs to the acting person and is shared with
nobody.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

from django.contrib.auth.models import User

from maestro.proof.around import SESSION, Around
from maestro.proof.plan import Path, method_of
from maestro.proof.verdicts import Broken, must
from providers import provider as interface
from providers.errors import ProviderError
from sessions_app.models import PendingLogin, SavedAuthentication
from sessions_app.services import credentials
from sessions_app.services.logins import logging_in
from sessions_app.services.logins.results import view

_EXCHANGE_S = 30.0  # an answer that is being traded when we are stopped
_POLL_S = 0.05


class Visitor:
    """The credential of one path. `close` removes what was made, whatever happened."""

    def __init__(self, path: Path, user: User, around: Around) -> None:
        self.path = path
        self.user = user
        self.name = path.credential or f"e2e-{path.auth_type}-{secrets.token_hex(4)}"
        self.modes: tuple[str, ...] = ()  # what the login may be switched between
        self._around = around

    @property
    def is_ours(self) -> bool:
        """Whether we made it, and so may change and remove it."""
        return not self.path.credential

    def row(self) -> SavedAuthentication:
        """The credential as it is stored now. Raises NotFound, Invalid."""
        return credentials.find_credential(
            user=self.user,
            name=self.name,
            provider=self.path.provider,
            auth_type=self.path.auth_type,
        )

    def sign_in(self) -> str:
        """Make the credential, or find it. Raises Broken, ServiceError, ProviderError."""
        if not self.is_ours:
            return f"“{self.row().name}” is saved here, and stays as it is"
        if self.path.auth_type == "api_key":
            return self._save_key()
        return self._log_in()

    def check_sealed(self) -> str:
        """No secret of it stands in the row. Raises Broken."""
        row = self.row()
        plain = row.unseal()
        shown = f"{row.secrets} {row.metadata} {row.cause} {row.base_url}"
        leaked = [name for name, value in plain.items() if value and value in shown]
        must(not leaked, f"not encrypted: {', '.join(leaked)}")
        return f"“{row.name}”: {', '.join(sorted(plain)) or 'no secret'}, sealed"

    def close(self, *, keep: bool) -> str:
        """Take the login back at the vendor, remove credential and login from here.

        Raises Broken when something of it is left, ProviderError when the vendor would
        not take the login back.
        """
        if not self.is_ours:
            return "nothing was made"
        self._end_login()
        rows = SavedAuthentication.objects.filter(
            provider=self.path.provider, auth_type=self.path.auth_type, name=self.name
        )
        row = rows.first()
        if row is None:
            return "nothing was saved"
        if keep:
            return f"“{row.name}” was kept, as asked"
        said, problem = "removed", None
        try:
            said = _taken_back(row)
        except ProviderError as exc:
            problem = exc
        credentials.delete_credential(user=self.user, credential_id=row.pk)
        must(not rows.exists(), f"“{self.name}” is still saved")
        if problem is not None:
            raise Broken(
                f"removed here, and not taken back at the vendor: {problem.message}"
            )
        return said

    def _save_key(self) -> str:
        given = self._around.key_for(self.path.provider)
        row = credentials.add_api_key(
            user=self.user,
            provider=self.path.provider,
            name=self.name,
            api_key=given["api_key"],
            base_url=given.get("base_url", ""),
            organization=given.get("organization", ""),
            project=given.get("project", ""),
        )
        result = credentials.check_credential(user=self.user, credential_id=row.pk)
        must(result.is_ok, result.message)
        return f"saved as “{row.name}”; {result.message}"

    def _log_in(self) -> str:
        method = method_of(self.path)
        self.modes = method.modes
        redirects = method.answer == "redirect"
        begun = logging_in.begin(
            user=self.user,
            session_key=SESSION,
            provider=self.path.provider,
            name=self.name,
            method=method.key,
            mode=self.path.mode,
            listens=redirects and self.path.way != "paste",
            lives_on=True,
        )
        shown: dict[str, Any] = view(begun)
        done = self._around.sign_in(self.user, begun, shown)
        saved = done.status == PendingLogin.Status.DONE and done.result is not None
        must(saved, done.message or "the login is over")
        heard = "by its callback" if shown["is_listening"] else f"by {method.answer}"
        if not shown["is_listening"] and redirects:
            heard = "by a pasted address"
        return f"{method.label}, answered {heard}. {done.message}"

    def _end_login(self) -> None:
        """No listener, no pending row; an exchange under way is waited for.

        Found by the name, which is of this proof alone: the login may have begun in the
        very moment in which we were stopped.
        """
        rows = PendingLogin.objects.filter(
            user=self.user, provider=self.path.provider, name=self.name
        )
        for login_id in rows.values_list("pk", flat=True):
            logging_in.cancel(user=self.user, session_key=SESSION, login_id=login_id)
        until = time.monotonic() + _EXCHANGE_S
        while rows.filter(status=PendingLogin.Status.WORKING).exists():
            if time.monotonic() > until:
                break
            time.sleep(_POLL_S)
        rows.delete()


def _taken_back(row: SavedAuthentication) -> str:
    """At the vendor, where it has a way. Raises ProviderError."""
    if row.auth_type != "oauth":
        return "removed; the key itself is the vendor's to end"
    if interface.take_back(row.as_credential()):
        return "taken back at the vendor, and removed"
    return "removed; this vendor has no way to take a login back from here"
