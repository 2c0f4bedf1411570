"""Where credentials come from: the interface asks a store, it does not know the ORM.

`sessions_app` implements `CredentialStore` over `SavedAuthentication` and installs it when
Django starts; `MemoryStore` makes `providers/` a plain library and serves the tests.
A session id is the *name* of a saved authentication; (provider, auth type, name) is its
key. Who may use a credential is decided above, in the services of `sessions_app`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

import msgspec

from providers.errors import ConfigurationError, CredentialNotFound, ProviderError
from providers.events import ErrorInfo
from providers.types import AuthType, Credential


class Lease(Protocol):
    """The right to renew one generation of one credential. See `providers/refresh.py`.

    It ends with `store` or `release`, or with the process that has it.
    """

    last_error: ErrorInfo | None  # how the attempt of whoever gave it back failed
    failed_ago_s: float | None  # how long ago, by the wall clock; None: unknown

    def beat(self) -> bool:
        """Still at it. False when another has it now. Never raises."""
        ...

    def spooled(self) -> Credential | None:
        """What an earlier holder had received and not stored."""
        ...

    def spool(self, fresh: Credential) -> None:
        """Keep it where a dead process leaves it behind. Never raises."""
        ...

    def store(self, fresh: Credential) -> Credential:
        """Make it the credential: generation + 1. Ends the lease."""
        ...

    def forget_spool(self) -> None:
        """It is stored: the spooled copy has done its work."""
        ...

    def release(self, problem: ProviderError | None) -> None:
        """End the lease without a new token; `problem` is how the attempt went."""
        ...


class CredentialStore(Protocol):
    """What the interface needs of a place that keeps credentials."""

    def find(self, provider: str, name: str) -> Sequence[AuthType]:
        """The auth types under which this provider has this name."""
        ...

    def get(self, provider: str, auth_type: AuthType, name: str) -> Credential:
        """Raises CredentialNotFound, CredentialUnreadable."""
        ...

    def create(self, credential: Credential) -> None:
        """Raises ConfigurationError when the name is taken or malformed."""
        ...

    def replace(self, credential: Credential) -> None:
        """Store new secrets under the same key (a refresh, a rotated key)."""
        ...

    def used(self, credential: Credential) -> None:
        """A vendor is about to be asked with it."""
        ...

    def note(self, credential: Credential) -> None:
        """Store its metadata, of this generation only; secrets stay as they are."""
        ...

    def delete(self, provider: str, auth_type: AuthType, name: str) -> bool:
        """Whether there was one; deleting what is not there is no error."""
        ...

    def lease(self, credential: Credential) -> Lease | None:
        """The lease on this generation; None while another has it.

        Raises CredentialRejected when the vendor has ended this login already.
        """
        ...

    def rest(self) -> None:
        """This thread waits for others now: give back what it holds of the store."""
        ...


class MemoryStore:
    """Credentials in a dictionary; lost with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, str, str], Credential] = {}
        self._leased: set[tuple[str, str, str]] = set()

    def find(self, provider: str, name: str) -> Sequence[AuthType]:
        with self._lock:
            return [
                c.auth_type
                for (p, _, n), c in self._rows.items()
                if (p, n) == (provider, name)
            ]

    def get(self, provider: str, auth_type: AuthType, name: str) -> Credential:
        with self._lock:
            found = self._rows.get((provider, auth_type, name))
        if found is None:
            raise not_found(provider, name)
        return found

    def create(self, credential: Credential) -> None:
        key = (credential.provider, credential.auth_type, credential.name)
        with self._lock:
            if key in self._rows:
                raise name_taken(credential.name)
            self._rows[key] = credential

    def replace(self, credential: Credential) -> None:
        key = (credential.provider, credential.auth_type, credential.name)
        with self._lock:
            generation = self._rows[key].generation + 1 if key in self._rows else 0
            self._rows[key] = msgspec.structs.replace(credential, generation=generation)

    def used(self, credential: Credential) -> None: ...

    def note(self, credential: Credential) -> None:
        key = (credential.provider, credential.auth_type, credential.name)
        with self._lock:
            if key in self._rows:
                facts = credential.metadata
                row = msgspec.structs.replace(self._rows[key], metadata=facts)
                self._rows[key] = row

    def delete(self, provider: str, auth_type: AuthType, name: str) -> bool:
        with self._lock:
            return self._rows.pop((provider, auth_type, name), None) is not None

    def lease(self, credential: Credential) -> Lease | None:
        key = (credential.provider, credential.auth_type, credential.name)
        with self._lock:
            if key in self._leased or key not in self._rows:
                return None
            self._leased.add(key)
        return _MemoryLease(self, key)

    def rest(self) -> None: ...

    def _end_lease(self, key: tuple[str, str, str]) -> Credential | None:
        with self._lock:
            self._leased.discard(key)
            return self._rows.get(key)


class _MemoryLease:
    """A lease within one process: there is nothing to survive it."""

    last_error: ErrorInfo | None = None
    failed_ago_s: float | None = None

    def __init__(self, store: MemoryStore, key: tuple[str, str, str]) -> None:
        self._store = store
        self._key = key

    def beat(self) -> bool:
        return True

    def spooled(self) -> Credential | None:
        return None

    def spool(self, fresh: Credential) -> None: ...

    def store(self, fresh: Credential) -> Credential:
        self._store.replace(fresh)
        found = self._store._end_lease(self._key)
        if found is None:
            raise not_found(fresh.provider, fresh.name)
        return found

    def forget_spool(self) -> None: ...

    def release(self, problem: ProviderError | None) -> None:
        self._store._end_lease(self._key)


def not_found(provider: str, name: str) -> CredentialNotFound:
    """The error of a name that leads nowhere; says what to do, not what exists."""
    return CredentialNotFound(
        f"There is no saved {provider} credential named {name!r}. Add one, or pick another.",
        provider=provider,
    )


def name_taken(name: str) -> ConfigurationError:
    """The error of a name in use; does not say by whom."""
    return ConfigurationError(
        f"The name {name!r} is already taken. Choose another name."
    )
