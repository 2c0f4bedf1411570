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

from providers.errors import ConfigurationError, CredentialNotFound
from providers.types import AuthType, Credential


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

    def delete(self, provider: str, auth_type: AuthType, name: str) -> bool:
        """Whether there was one; deleting what is not there is no error."""
        ...


class MemoryStore:
    """Credentials in a dictionary; lost with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, str, str], Credential] = {}

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
            self._rows[key] = msgspec.structs.replace(credential)

    def delete(self, provider: str, auth_type: AuthType, name: str) -> bool:
        with self._lock:
            return self._rows.pop((provider, auth_type, name), None) is not None


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
