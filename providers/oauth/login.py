"""A login while its answer is awaited, and how the answer is read.

A person may answer in several ways: the vendor sends their browser back to us (loopback
or our own address), they paste what the vendor shows (`code`, `code#state`), or they
paste the address of the page that failed to open. All of them end in `read_answer`.
"""

from __future__ import annotations

import hmac
import re
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from providers.errors import ConfigurationError, CredentialRejected
from providers.http.redact import redact

MAX_ANSWER = 16_384  # characters; codes of some vendors have a thousand
_ERROR_WORD = re.compile(r"[a-z][a-z_]{0,39}\Z")


class LoginMethod(msgspec.Struct, frozen=True, kw_only=True):
    """One way to log in at a vendor, as data for pages and commands.

    `answer`: `redirect` brings the browser back to `redirect_uri`; `code` shows a code to
    paste; `device` is confirmed elsewhere while we ask. `ports`: of the loopback
    callback, in order, 0 for any. `takes_own_callback`: the vendor can send people to
    this installation's own address. `modes`: what the person may choose, first the
    default. `refusal`: why it is not offered here; empty when it is. `is_personal`: only
    the one who signed in may use it.
    """

    key: str
    label: str
    answer: Literal["redirect", "code", "device"]
    host: str = "127.0.0.1"
    ports: tuple[int, ...] = ()
    path: str = ""
    takes_own_callback: bool = False
    modes: tuple[str, ...] = ()
    notes: str = ""
    warning: str = ""
    refusal: str = ""
    is_personal: bool = False


class LoginRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a person chose. `facts`: what the login before left for the next one."""

    name: str
    method: str
    redirect_uri: str = ""
    state: str = ""
    mode: str = ""
    facts: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<LoginRequest {self.method} {self.name}>"


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A login under way. Keep it on the server, encrypted: it holds the verifier.

    `authorize_url` is where the person goes (a device login: the page that takes
    `user_code`). `secret`: the PKCE verifier, or the device code. `interval_s`: how often
    a device login may be asked for.
    """

    provider: str
    method: str
    name: str
    authorize_url: str
    secret: str
    state: str = ""
    redirect_uri: str = ""
    nonce: str = ""
    mode: str = ""
    user_code: str = ""
    interval_s: float = 5.0
    lifetime_s: float = 600.0
    facts: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<Login {self.provider} {self.method} {self.name}>"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: a code, or the vendor's error."""

    code: str = ""
    state: str = ""
    error: str = ""
    description: str = ""
    params: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<Answer {self.error or 'code'}>"


def parse_answer(text: str) -> Answer:
    """Read a pasted code, `code#state`, a callback address or its query.

    Raises ConfigurationError with what to paste; the text is never repeated.
    """
    text = text.strip()
    if not text:
        raise ConfigurationError("Paste the code, or the whole address of the page.")
    # Codes and states are printable ASCII (RFC 6749 appendix A), addresses are too.
    if len(text) > MAX_ANSWER or any(not 33 <= ord(c) <= 126 for c in text):
        raise ConfigurationError(
            "That is not a code. Copy the code, or the whole address of the page, as one "
            "line without spaces."
        )
    if "://" in text or text.startswith(("?", "/", "localhost", "127.0.0.1")):
        return _from_url(text)
    if "code=" in text or "error=" in text:
        return _from_url("?" + text)
    code, _, state = text.partition("#")
    return Answer(code=code, state=state)


def read_answer(login: Login, text: str, *, needs_state: bool = True) -> Answer:
    """The answer to this very login, with a code.

    Raises CredentialRejected when the vendor or the person said no, ConfigurationError
    for an answer that belongs to another login. Nothing was sent in either case.
    """
    answer = parse_answer(text)
    if needs_state and not answer.state and not answer.error:
        raise ConfigurationError(
            "There is no state in what was pasted. Copy the whole address of the page.",
            provider=login.provider,
            vendor_code="state_mismatch",
        )
    if (answer.state or needs_state) and not same(answer.state, login.state):
        raise ConfigurationError(
            "This answer belongs to another login. Start the login again and use the "
            "page that it opens.",
            provider=login.provider,
            vendor_code="state_mismatch",
        )
    if answer.error:
        raise refused(login.provider, answer)
    if not answer.code:
        raise ConfigurationError(
            "There is no code in what was pasted. Copy the whole address of the page.",
            provider=login.provider,
        )
    return answer


def refused(provider: str, answer: Answer) -> CredentialRejected:
    """The vendor's page ended with an error instead of a code."""
    word = answer.error if _ERROR_WORD.match(answer.error) else "error"
    said = {
        "access_denied": "The login was declined on the vendor's page.",
        "login_required": "The vendor wants you to sign in there first.",
    }.get(word, f"The vendor ended the login ({word}).")
    return CredentialRejected(
        f"{said} Nothing was changed; you may start again.",
        provider=provider,
        vendor_code=word,
        vendor_message=redact(answer.description, limit=300) or None,
    )


def same(given: str, wanted: str) -> bool:
    """Compare secrets without telling by the time it takes how much of them agrees."""
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


def _from_url(text: str) -> Answer:
    try:
        parts = urlsplit(text)
        pairs = parse_qsl(parts.query or parts.fragment, max_num_fields=40)
    except ValueError:
        pairs = []
    params: dict[str, Any] = {}
    for name, value in pairs:
        if name in params and name in ("code", "state", "error"):
            raise ConfigurationError(
                "The address names its code twice. Copy it again from the browser."
            )
        params[name] = value
    return Answer(
        code=params.get("code", ""),
        state=params.get("state", ""),
        error=params.get("error", ""),
        description=params.get("error_description", ""),
        params=params,
    )
