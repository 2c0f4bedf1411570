"""Logging in at a vendor, from the first page to a saved credential.

    begin ─▶ PendingLogin (ten minutes, encrypted) ─▶ one answer ─▶ credential
                 │  a device login is asked about by `poll`
                 └─ listener, our own callback, or a paste bring the answer

An answer is bound to the person, their browser session, the vendor, the redirect address
and the verifier; it is taken once. What belongs to another login is refused before
anything is sent, and spends nothing.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from uuid import UUID

import msgspec
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from providers import provider as interface
from providers.errors import (
    ConfigurationError,
    CredentialRejected,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
)
from providers.oauth.login import Login, LoginMethod
from providers.types import Credential
from sessions_app.errors import Invalid, NotAllowed, NotFound
from sessions_app.models import PendingLogin, Team
from sessions_app.person import Person
from sessions_app.sealing import crypto
from sessions_app.services.logins import listener, results, rights

log = logging.getLogger(__name__)

ASKING = timedelta(minutes=2)  # the longest question about a device login
KEPT = timedelta(hours=1)  # afterwards nobody asks how one ended

Status = PendingLogin.Status


def begin(
    *,
    user: Person,
    session_key: str,
    provider: str,
    name: str = "",
    method: str = "",
    mode: str = "",
    credential_id: UUID | str | None = None,
    team: Team | UUID | str | None = None,
    is_shared_with_everyone: bool = False,
    listens: bool | None = None,
    lives_on: bool = False,
) -> PendingLogin:
    """Start a login; `authorize_url` and the rest are in `view`.

    `credential_id`: log in again for that credential. `session_key`: the browser session
    that may answer, "" for a command. `listens`: whether a loopback callback is opened;
    by default when people's browsers run on this machine. `lives_on`: no time limit, for
    a command that waits. Raises Invalid, NameTaken, NotAllowed, NotFound, ProviderError.
    """
    if not isinstance(user, User) or not user.is_active:
        raise NotAllowed("Sign in first.")
    chosen = _method(provider, method)
    place = rights.place_for(
        user, provider, chosen, name, credential_id, team, is_shared_with_everyone
    )
    row = PendingLogin(
        user=user,
        session_hash=_hash(session_key),
        provider=provider,
        method=chosen.key,
        **place._asdict(),
    )
    login = _begin(row, chosen, mode, listens, lives_on=lives_on)
    log.info(
        "login.began",
        extra={"login_id": str(row.pk), "provider": provider, "user_id": user.pk},
    )
    return _with_login(row, login)


def answer(
    *, user: Person, session_key: str, login_id: UUID | str, text: str
) -> PendingLogin:
    """What the person pasted, or the vendor sent to our own callback.

    Raises Invalid for an answer of another login (this one still waits), NotFound.
    A login that failed at the vendor is returned with its `message`.
    """
    row = _waiting(user, session_key, login_id)
    return finish(row, text)


def answer_by_state(
    *, user: Person, session_key: str, provider: str, state: str, text: str
) -> PendingLogin:
    """The same for a callback, which knows its login by `state` only."""
    hashed = _hash(state)
    row = PendingLogin.objects.filter(state_hash=hashed, provider=provider).first()
    if row is None or not state:
        raise NotFound("There is no login that waits for this answer. Start it again.")
    return answer(user=user, session_key=session_key, login_id=row.pk, text=text)


def poll(*, user: Person, session_key: str, login_id: UUID | str) -> PendingLogin:
    """How a login is; a device login is asked about at the vendor when it is time."""
    row = _mine(user, session_key, login_id)
    if row.status != Status.WAITING or row.expires_at <= timezone.now():
        return _with_login(row, None)
    login = unsealed(row)
    if not login.user_code or not _may_ask(row, login):
        return _with_login(row, login)
    found: Credential | ProviderError | None = None
    try:
        found = interface.poll_login(login)
    except (ProviderUnavailable, RateLimited):
        pass  # the vendor's trouble, not the login's: ask again
    except ProviderError as exc:
        found = exc
    if found is None:
        PendingLogin.objects.filter(pk=row.pk).update(polled_at=timezone.now())
        return _with_login(row, login)
    if not _claim(row):
        return _with_login(_reread(row), None)
    if isinstance(found, ProviderError):
        return results.fail(row, found)
    return results.keep(row, found)


def cancel(*, user: Person, session_key: str, login_id: UUID | str) -> None:
    """Nobody waits for it any more. Cancelling twice is no error."""
    row = _mine(user, session_key, login_id)
    listener.stop(row.pk)
    PendingLogin.objects.filter(pk=row.pk, status=Status.WAITING).update(
        status=Status.CANCELLED, sealed=""
    )


def finish(row: PendingLogin, text: str) -> PendingLogin:
    """Trade an answer for a credential. Called with rows that wait; trusted."""
    login = unsealed(row)
    try:
        interface.check_answer(login, text)
    except ConfigurationError as exc:
        raise Invalid(exc.message, field="answer") from None
    except CredentialRejected as exc:  # the person said no: that is an end
        if _claim(row):
            return results.fail(row, exc)
        raise _gone() from None
    if not _claim(row):
        raise _gone()
    listener.stop(row.pk)
    try:
        credential = interface.complete_login(login, text)
    except ProviderError as exc:
        return results.fail(row, exc)
    return results.keep(row, credential)


def unsealed(row: PendingLogin) -> Login:
    """What was kept for the answer. Raises Invalid when it cannot be read any more."""
    try:
        return msgspec.convert(crypto.decrypt(row.sealed, row.sealed_context), Login)
    except (crypto.CryptoError, msgspec.ValidationError):
        raise Invalid("This login cannot be continued. Start it again.") from None


def forget_old() -> int:
    """Remove logins that ended or ran out a while ago."""
    old = PendingLogin.objects.filter(expires_at__lt=timezone.now() - KEPT)
    count, _ = old.delete()
    return count


def _begin(
    row: PendingLogin,
    chosen: LoginMethod,
    mode: str,
    listens: bool | None,
    *,
    lives_on: bool,
) -> Login:
    """Open the listener, ask the vendor's package for the address, store the row."""
    lifetime_s = None if lives_on else 300.0
    opened = listener.open_for(row, chosen, listens, lifetime_s, finish)
    try:
        login = interface.begin_login(
            row.provider,
            name=row.name,
            method=chosen.key,
            redirect_uri=opened.redirect_uri,
            state=opened.state,
            mode=mode,
            again=_facts_of(row),
        )
        row.state_hash = _hash(login.state)
        age = timedelta(days=30) if lives_on else timedelta(seconds=login.lifetime_s)
        row.expires_at = timezone.now() + age
        row.sealed = crypto.encrypt(msgspec.to_builtins(login), row.sealed_context)
        row.save(force_insert=True)
    except ConfigurationError as exc:
        listener.stop(row.pk)
        raise Invalid(exc.message) from None
    except BaseException:
        listener.stop(row.pk)
        raise
    return login


def _facts_of(row: PendingLogin) -> Credential | None:
    """What the login before left: its registration, the address that signed in.

    A new "Sign in with ChatGPT" of the same person keeps the registration, too.
    """
    known = row.again
    if known is None:
        return None
    return Credential(
        provider=known.provider,
        auth_type="oauth",
        name=known.name,
        secrets={},
        metadata={k: str(v) for k, v in known.metadata.items()},
    )


def _method(provider: str, key: str) -> LoginMethod:
    try:
        found = interface.login_method(provider, key)
    except ConfigurationError as exc:
        raise Invalid(exc.message, field="method") from None
    if found.refusal:
        raise Invalid(found.refusal, field="method")
    return found


def _mine(user: Person, session_key: str, login_id: UUID | str) -> PendingLogin:
    try:
        row = (
            PendingLogin.objects.visible_to(user)
            .select_related("user", "again", "result", "team")
            .get(pk=login_id, session_hash=_hash(session_key))
        )
    except (PendingLogin.DoesNotExist, ValidationError, ValueError, TypeError):
        raise _gone() from None
    if not row.user.is_active:
        raise NotAllowed("Sign in first.")
    return row


def _waiting(user: Person, session_key: str, login_id: UUID | str) -> PendingLogin:
    row = _mine(user, session_key, login_id)
    if row.status != Status.WAITING or row.expires_at <= timezone.now():
        raise _gone()
    return row


def _gone() -> NotFound:
    return NotFound("This login is over or belongs to another browser. Start it again.")


def _claim(row: PendingLogin) -> bool:
    """Take the one answer there may be."""
    changed = PendingLogin.objects.filter(
        pk=row.pk, status=Status.WAITING, expires_at__gt=timezone.now()
    ).update(status=Status.WORKING)
    return bool(changed)


def _may_ask(row: PendingLogin, login: Login) -> bool:
    """Not more often than the vendor wants, however many pages ask us, and one at a
    time: a second question would spend the code that the first one waits for."""
    now = timezone.now()
    due = now - timedelta(seconds=login.interval_s)
    rows = PendingLogin.objects.filter(pk=row.pk, status=Status.WAITING)
    is_due = Q(polled_at=None) | Q(polled_at__lte=due)
    return bool(rows.filter(is_due).update(polled_at=now + ASKING))


def _reread(row: PendingLogin) -> PendingLogin:
    return PendingLogin.objects.select_related("result").get(pk=row.pk)


def _with_login(row: PendingLogin, login: Login | None) -> PendingLogin:
    """The row with what a page shows of its login; see `login_results.view`."""
    row.login = login  # type: ignore[attr-defined]
    return row


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest() if text else ""
