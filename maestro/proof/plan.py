"""Which paths there are: a vendor, a way to sign in, and the modes of a login.

Worked out from what the installed providers say of themselves; nothing here knows one.
"""

from __future__ import annotations

from dataclasses import dataclass

from providers import provider as interface
from providers.oauth.login import LoginMethod
from providers.types import AuthType
from sessions_app.errors import Invalid

WAYS = ("browser", "paste", "device")
_ANSWERS = {  # how a login's answer comes back, for each way, the nearest first
    "browser": ("redirect",),
    "paste": ("code", "redirect"),
    "device": ("device",),
}
AUTOMATIC = "auto"  # the mode that the account decides


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """One path to prove. `credential`: an existing one, else one is made and removed.

    `way` is one of WAYS, `method` a key of the vendor's; "" is the usual one. `mode` ""
    is every mode there is, in turn.
    """

    provider: str
    auth_type: AuthType
    credential: str = ""
    way: str = ""
    method: str = ""
    mode: str = ""


def paths_of(provider: str, auth_type: str) -> list[tuple[str, AuthType]]:
    """The paths that a command's words mean; "all" is every vendor with a login.

    Raises Invalid; ConfigurationError for a vendor or a way that is not there.
    """
    if provider == "all":
        if auth_type:
            raise Invalid("`all` takes no way to sign in: it proves both.")
        slugs = [s for s in interface.list_providers() if "oauth" in _ways(s)]
        return [(slug, way) for slug in slugs for way in _ways(slug)]
    known = _ways(provider)
    if not auth_type:
        return [(provider, way) for way in known]
    if auth_type not in known:
        raise Invalid(f"{provider} is signed in to by {' or '.join(known)}.")
    return [(provider, way) for way in known if way == auth_type]


def method_of(path: Path) -> LoginMethod:
    """The login this path takes. Raises Invalid when the vendor has no such way."""
    if path.method:
        return interface.login_method(path.provider, path.method)
    if not path.way:
        return interface.login_method(path.provider)
    # One that is refused here is still the way; the login then says why.
    methods = sorted(
        interface.login_methods(path.provider), key=lambda m: bool(m.refusal)
    )
    for answer in _ANSWERS[path.way]:
        for method in methods:
            if method.answer == answer:
                return method
    raise Invalid(f"{path.provider} has no login by {path.way}.", field="login_way")


def modes_after(first: str, method_modes: tuple[str, ...], wanted: str) -> list[str]:
    """The modes to prove, that of the login first; [first] where there is no choice."""
    others = [m for m in method_modes if m not in (first, AUTOMATIC)]
    return [first] if wanted else [first, *others]


def _ways(provider: str) -> list[AuthType]:
    """Logins before keys."""
    found: list[AuthType] = interface.provider_capabilities(provider)["auth_types"]
    return sorted(found, reverse=True)
