"""Where a vendor sends people back to: our own callback, or a loopback listener.

The listener lives in this process and ends with its login. It answers only where the
person's browser runs on this machine; everybody else pastes the address of the page that
failed to open.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import connections
from django.utils import timezone

from providers.oauth import listener, pkce
from providers.oauth.login import LoginMethod
from sessions_app.errors import ServiceError
from sessions_app.models import PendingLogin

log = logging.getLogger(__name__)

# A port for people who paste: nobody listens, and the page fails to open.
_PASTE_PORT = 1455

Finish = Callable[[PendingLogin, str], PendingLogin]

_open: dict[UUID, listener.Listening] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Opened:
    """`redirect_uri` "" where the method does not redirect."""

    redirect_uri: str = ""
    state: str = ""


def open_for(
    row: PendingLogin,
    method: LoginMethod,
    listens: bool | None,
    lifetime_s: float | None,
    finish: Finish,
) -> Opened:
    """Choose the address, and listen there if somebody can come.

    `finish` takes the row and the address that the browser came to. A busy port is no
    error: the person pastes then.
    """
    state = pkce.new_state()
    if method.answer != "redirect":
        return Opened(state=state)
    if method.takes_own_callback:
        return Opened(f"{settings.MAESTRO_URL}/oauth/callback/{row.provider}/", state)
    port = next((p for p in method.ports if p), _PASTE_PORT)
    if is_local() if listens is None else listens:
        answered = _answered_by(row.pk, finish)
        port = _listen(row.pk, method, state, lifetime_s, answered) or port
    return Opened(f"http://{method.host}:{port}{method.path}", state)


def is_local() -> bool:
    """Whether people's browsers run on this machine, as far as the public URL says."""
    wanted = str(settings.MAESTRO_LOGIN_LISTENER)
    if wanted in ("true", "false"):
        return wanted == "true"
    host = urlsplit(settings.MAESTRO_URL).hostname or ""
    return host in ("127.0.0.1", "localhost", "::1")


def is_listening(login_id: UUID) -> bool:
    """Whether the page will finish by itself."""
    with _lock:
        found = _open.get(login_id)
    return found is not None and found.is_open


def stop(login_id: UUID) -> None:
    """Close the listener of a login; quiet when there is none."""
    with _lock:
        found = _open.pop(login_id, None)
    if found is not None:
        # A thread of its own: the one that answers may be the listener's.
        threading.Thread(target=found.close, name="listener-close", daemon=True).start()


def _listen(
    login_id: UUID,
    method: LoginMethod,
    state: str,
    lifetime_s: float | None,
    answered: Callable[[str], str | None],
) -> int | None:
    try:
        found = listener.listen(
            ports=method.ports,
            path=method.path,
            state=state,
            on_answer=answered,
            lifetime_s=lifetime_s,
        )
    except listener.LoopbackBusy:
        log.info("login.listener_busy", extra={"ports": str(method.ports)})
        return None
    with _lock:
        for gone in [key for key, one in _open.items() if not one.is_open]:
            del _open[gone]
        _open[login_id] = found
    return found.port


def _answered_by(login_id: UUID, finish: Finish) -> Callable[[str], str | None]:
    """What the listener does with the address that the browser came to."""

    def answered(url: str) -> str | None:
        try:
            row = (
                PendingLogin.objects.select_related("user", "again", "team")
                .filter(
                    pk=login_id,
                    status=PendingLogin.Status.WAITING,
                    expires_at__gt=timezone.now(),
                    user__is_active=True,
                )
                .first()
            )
            if row is None:
                return "This login is over. Start it again in Maestro."
            done = finish(row, url)
            is_done = done.status == PendingLogin.Status.DONE
            return None if is_done else done.message
        except ServiceError as exc:
            return exc.message
        except Exception:
            log.exception("login.answer_failed", extra={"login_id": str(login_id)})
            return "Something went wrong in Maestro. Start the login again."
        finally:
            connections.close_all()

    return answered
