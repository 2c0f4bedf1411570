"""Renewing a login exactly once, whoever notices first that it is time.

    threads of this process ──▶ one flight per credential ──▶ lease (store) ──▶ vendor
                                  the others get its result     other processes wait

Vendors rotate refresh tokens: two requests with one token end the login for everybody.
So a refresh is **single flight** in the process and **leased** across processes. The lease
is a row the store changes by compare-and-swap; nobody holds a transaction while the vendor
is asked. Its holder beats while it works; others take it over when its process is dead or
has not beaten for a while by their own monotonic clock, so no wall clock decides.

What the vendor answers is spooled (encrypted, 0600), then stored with generation + 1, then
used. Whoever takes over a lease looks into the spool first. A refusal never deletes
anything: the stored credential is read again, and only an unchanged one is marked.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager

import msgspec

from providers.errors import (
    CredentialRejected,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    from_info,
)
from providers.fail_points import fail_point
from providers.store import CredentialStore, Lease
from providers.types import Credential

Ask = Callable[[Credential], Credential]

BEAT_S = 2.0
POLL_S = 0.1
WAIT_S = 250.0  # longer than the two longest exchanges with a vendor
# A failure is failure enough for so long: for whoever has a token that still works, or
# has waited for it; and for whoever has none, so that no traffic becomes token requests:
# three a minute at most, with the two of the first failure.
PATIENT_S, BREATH_S = 60.0, 30.0
_LONGEST_PAUSE_S = 600.0  # of what a vendor asks for

_Key = tuple[str, str, str]
_lock = threading.Lock()
_flights: dict[_Key, Future[Credential]] = {}


def renew(
    store: CredentialStore, seen: Credential, ask: Ask, *, pause_s: float = 0.0
) -> Credential:
    """The credential newer than `seen`: somebody's who was faster, or a fresh one.

    `ask` makes the request, at most twice: a second time, at once and with the same
    token, when the answer to the first was lost. `pause_s`: a failure that is younger
    is failure enough, a vendor in trouble is not asked again; 0 asks in any case.

    Raises CredentialRejected when the vendor has ended the login, ProviderUnavailable and
    RateLimited when it could not be asked, CredentialNotFound.
    """
    key = (seen.provider, seen.auth_type, seen.name)
    while True:
        with _lock:
            flight = _flights.get(key)
            if flight is None:
                mine: Future[Credential] = Future()
                _flights[key] = mine
                break
        store.rest()
        found = _result(flight, seen)
        if found is not None:
            return found
    try:
        fresh = _leased(store, seen, ask, pause_s)
    except BaseException as exc:
        mine.set_exception(exc if isinstance(exc, ProviderError) else _lost(seen))
        raise
    else:
        mine.set_result(fresh)
        return fresh
    finally:
        with _lock:
            del _flights[key]


def _result(flight: Future[Credential], seen: Credential) -> Credential | None:
    """What a flight of another thread brought; None when it began before `seen`."""
    try:
        found = flight.result(WAIT_S)
    except TimeoutError:
        raise _lost(seen) from None
    except ProviderError as exc:
        # An exception of its own for every thread: they grow a traceback each.
        raise from_info(exc.info()) from None
    return found if found.generation > seen.generation else None


def _leased(
    store: CredentialStore, seen: Credential, ask: Ask, pause_s: float
) -> Credential:
    """The same across processes."""
    end = time.monotonic() + WAIT_S
    while True:
        current = store.get(seen.provider, seen.auth_type, seen.name)
        if current.generation != seen.generation:
            return current
        lease = store.lease(current)
        if lease is not None:
            break
        pause_s = PATIENT_S
        if time.monotonic() > end:
            raise _lost(seen)
        store.rest()
        time.sleep(POLL_S)
    with _ending(lease) as note:
        if (known := _known_failure(lease, pause_s)) is not None:
            # Whoever had it before asked a moment ago: their answer is ours too.
            note.is_new = False
            raise known
        return _renewed(store, lease, current, ask, pause_s)


def _known_failure(lease: Lease, pause_s: float) -> ProviderError | None:
    """How the attempt before this one failed, if asking again would be too soon."""
    error, ago_s = lease.last_error, lease.failed_ago_s
    if error is None or ago_s is None or not pause_s:
        return None
    wanted_s = min(error.retry_after_s or 0.0, _LONGEST_PAUSE_S)
    left_s = max(pause_s, wanted_s) - ago_s
    if left_s <= 0:
        return None
    return from_info(msgspec.structs.replace(error, retry_after_s=left_s))


class _Note:
    """Whether the end of a lease brings news about the credential."""

    is_new = True


@contextmanager
def _ending(lease: Lease) -> Iterator[_Note]:
    note = _Note()
    try:
        yield note
    except ProviderError as exc:
        lease.release(exc if note.is_new else None)
        raise
    except BaseException:
        lease.release(None)
        raise


def _renewed(
    store: CredentialStore,
    lease: Lease,
    current: Credential,
    ask: Ask,
    pause_s: float,
) -> Credential:
    fresh = lease.spooled()
    if fresh is None:
        with _beating(lease):
            fail_point("refresh.before_send")
            store.rest()
            try:
                fresh = _asked(lease, current, ask, is_wary=_is_wary(lease, pause_s))
            except (CredentialRejected, ProviderUnavailable):
                newer = store.get(current.provider, current.auth_type, current.name)
                if newer.generation != current.generation:
                    lease.release(None)
                    return newer
                raise
            fail_point("refresh.received")
            lease.spool(fresh)
    fail_point("refresh.spooled")
    stored = lease.store(fresh)
    fail_point("refresh.stored")
    lease.forget_spool()
    return stored


def _is_wary(lease: Lease, pause_s: float) -> bool:
    """Whether the vendor was in trouble a moment ago, and nobody insists."""
    ago_s = lease.failed_ago_s if lease.last_error is not None else None
    return bool(pause_s) and ago_s is not None and ago_s < PATIENT_S


def _asked(lease: Lease, current: Credential, ask: Ask, *, is_wary: bool) -> Credential:
    """An answer that was lost may have rotated the token: servers with a grace period
    give it again to those who come back at once, and others lose nothing by it. Unless
    we were away for so long that another asks with this very token, or it was an answer
    of a vendor that we know to be in trouble."""
    try:
        return ask(current)
    except RateLimited:
        raise
    except ProviderUnavailable as exc:
        if not lease.beat() or (is_wary and exc.status is not None):
            raise
        return ask(current)


@contextmanager
def _beating(lease: Lease) -> Iterator[None]:
    """Show the others that we are alive, for as long as the vendor takes."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(BEAT_S):
            lease.beat()

    thread = threading.Thread(target=beat, name="refresh-beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def wait_until_idle(timeout_s: float) -> bool:
    """Whether no renewal is under way here any more: half of one may end a login.

    Called before a process ends.
    """
    with _lock:
        flights = list(_flights.values())
    return not wait(flights, timeout_s).not_done


def _lost(seen: Credential) -> ProviderUnavailable:
    return ProviderUnavailable(
        "Renewing this login takes too long. Try again in a moment.",
        provider=seen.provider,
        vendor_type="refresh_pending",
    )


def _forget() -> None:
    """A forked child has none of its parent's threads."""
    global _lock, _flights
    _lock = threading.Lock()
    _flights = {}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
