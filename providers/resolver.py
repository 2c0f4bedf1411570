"""Finds providers by itself and checks that each is what it says.

A provider is (1) a package inside `providers/` whose module has a `provider` manifest, or
(2) an entry point in the group `maestro.providers`, in any installed distribution, that
loads to a `Provider` or to a module that has one. There is no list to edit.

What does not comply is left out, and `problems()` names the missing part; a system check
shows them (`providers.E001`). One broken drop-in never takes the others down.
"""

from __future__ import annotations

import inspect
import pkgutil
import threading
from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any

import providers as _package
from providers import interface
from providers.errors import ConfigurationError
from providers.interface import BehaviourName, Provider
from providers.parameters import suggestion
from providers.vendor_facts import VendorFacts, publish

ENTRY_POINT_GROUP = "maestro.providers"

# Packages of providers/ that are machinery, not vendors.
_MACHINERY = frozenset(
    {"audit", "conformance", "dialects", "emulator", "http", "management", "oauth"}
)

_BEHAVIOURS: dict[BehaviourName, type] = {
    "api_key": interface.ApiKey,
    "oauth": interface.OAuth,
    "streaming": interface.Streaming,
    "models": interface.Models,
    "imports": interface.Imports,
}

_lock = threading.Lock()
_found: dict[str, Provider] | None = None
_problems: list[str] = []


def providers() -> MappingProxyType[str, Provider]:
    """Every compliant provider by slug. Discovered once per process."""
    global _found
    with _lock:
        if _found is None:
            _problems.clear()
            _found = _discover(_problems)
            publish(
                {
                    slug: VendorFacts(
                        label=found.label, quota_without_wait=found.quota_without_wait
                    )
                    for slug, found in _found.items()
                }
            )
        return MappingProxyType(_found)


def problems() -> list[str]:
    """What was found and does not comply, one sentence each."""
    providers()
    return list(_problems)


def forget() -> None:
    """Discover again at the next call (a provider was added while we run; tests)."""
    global _found
    with _lock:
        _found = None


def provider(slug: str) -> Provider:
    """The manifest of a provider. Raises ConfigurationError with the known slugs."""
    found = providers()
    if slug not in found:
        known = ", ".join(sorted(found))
        raise ConfigurationError(
            f"There is no provider {slug!r}.{suggestion(slug, found)} Installed: {known}."
        )
    return found[slug]


def resolve(slug: str, behaviour: BehaviourName) -> Any:
    """The implementation of one behaviour of one provider.

    `resolve("anthropic", "api_key")`. Raises ConfigurationError when the provider does
    not exist or does not offer it.
    """
    manifest = provider(slug)
    if behaviour not in _BEHAVIOURS:
        known = ", ".join(_BEHAVIOURS)
        raise ConfigurationError(
            f"There is no behaviour {behaviour!r}.{suggestion(behaviour, _BEHAVIOURS)} "
            f"Known: {known}."
        )
    found = manifest.behaviour(behaviour)
    if found is None:
        raise ConfigurationError(
            f"{manifest.label} does not offer {behaviour}.", provider=slug
        )
    return found


def compliance(manifest: object) -> list[str]:
    """What is missing from a manifest, as sentences; empty when it complies."""
    if not isinstance(manifest, Provider):
        return ["`provider` is not a providers.interface.Provider"]
    wrong = []
    for name, protocol in _BEHAVIOURS.items():
        found = manifest.behaviour(name)
        if found is None:
            if name in ("streaming", "models"):
                wrong.append(f"{name} is missing")
            continue
        wrong += [f"{name}.{part}" for part in _missing(found, protocol)]
    if not manifest.auth_types:
        wrong.append("it offers neither api_key nor oauth")
    return wrong


def _missing(found: object, protocol: type) -> list[str]:
    """Attributes and parameters of `protocol` that `found` lacks."""
    wrong = []
    for name in _demanded(protocol):
        if not hasattr(found, name):
            wrong.append(f"{name} is missing")
            continue
        wanted = getattr(protocol, name, None)
        if not callable(wanted):
            continue
        try:
            parameters = inspect.signature(getattr(found, name)).parameters
        except (TypeError, ValueError):
            wrong.append(f"{name} cannot be called")
            continue
        if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            continue
        lacks = set(inspect.signature(wanted).parameters) - {"self"} - set(parameters)
        wrong += [f"{name} has no parameter {p!r}" for p in sorted(lacks)]
    return wrong


def _demanded(protocol: type) -> list[str]:
    """The names a protocol asks for."""
    names = {*vars(protocol), *protocol.__annotations__}
    return sorted(name for name in names if not name.startswith("_"))


def _discover(wrong: list[str]) -> dict[str, Provider]:
    found: dict[str, Provider] = {}
    for source, load in _candidates():
        try:
            manifest = load()
            lacks = compliance(manifest)
        except (Exception, SystemExit) as exc:  # a drop-in may fail in any way
            wrong.append(f"{source} cannot be loaded: {type(exc).__name__}: {exc}")
            continue
        if manifest is None:
            wrong.append(f"{source} has no `provider`")
            continue
        if lacks:
            wrong.append(f"{source} does not comply: {'; '.join(lacks)}")
        elif manifest.slug in found:
            wrong.append(
                f"{source} repeats the slug {manifest.slug!r}; the first one counts"
            )
        else:
            found[manifest.slug] = manifest
    return found


def _candidates() -> list[tuple[str, Any]]:
    """(where it comes from, how to load its manifest), folders first."""
    rows: list[tuple[str, Any]] = []
    for info in pkgutil.iter_modules(_package.__path__):
        if info.ispkg and info.name not in _MACHINERY:
            name = f"providers.{info.name}"
            rows.append(
                (name, lambda n=name: getattr(import_module(n), "provider", None))
            )
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda p: p.name):
        rows.append((f"entry point {point.name}", lambda p=point: _manifest(p.load())))
    return rows


def _manifest(loaded: object) -> object:
    return getattr(loaded, "provider", loaded) if inspect.ismodule(loaded) else loaded
