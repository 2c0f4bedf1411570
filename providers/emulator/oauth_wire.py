"""What the authorization servers have in common on the wire: pages, forms, refusals.

Source: RFC 6749 sections 4.1 and 5, RFC 7636, OAuth 2.0 Form Post and its relatives
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode

from providers.emulator.http11 import Reply, Request
from providers.emulator.oauth_records import Code, Refused, needed
from providers.emulator.oauth_state import AuthServers

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}
_STYLE = "font:16px/1.5 system-ui;max-width:36rem;margin:4rem auto;padding:0 1rem"

# What a vendor answers to a token request: its fields, and where to write who asked.
Grant = Callable[[dict[str, str], dict[str, Any]], dict[str, Any]]


class OAuthErrors:
    """A vendor's way to refuse at its authorization server."""

    def __init__(self, shape: str = "string") -> None:
        self.shape = shape

    def error(
        self,
        status: int,
        *,
        retry_after_s: float | None = None,
        code: str = "",
        message: str = "",
    ) -> Reply:
        """`{"error": code, …}`, or an object, or plain text, as `shape` says."""
        code = code or ("server_error" if status >= 500 else "invalid_request")
        headers = dict(_NO_STORE)
        if retry_after_s is not None:
            headers["retry-after"] = f"{retry_after_s:g}"
        if self.shape == "text":
            headers["content-type"] = "text/plain; charset=utf-8"
            return Reply(status, headers=headers, body=f"{code}: {message}".encode())
        if self.shape == "object":
            kind = "server_error" if status >= 500 else "invalid_request_error"
            found: Any = {
                "message": message or code, "type": kind, "param": None, "code": code,
            }  # fmt: skip
            return Reply(status, {"error": found}, headers)
        data = {"error": code, "error_description": message}
        return Reply(status, {k: v for k, v in data.items() if v}, headers)


def answer_token_request(
    vendor: str,
    servers: AuthServers,
    errors: OAuthErrors,
    read: Callable[[], dict[str, str]],
    grant: Grant,
) -> Reply:
    """Read the fields, grant, and keep in the log what came of it."""
    entry: dict[str, Any] = {
        "vendor": vendor, "grant": None, "outcome": "ok", "client_id": None,
        "family": None,
    }  # fmt: skip
    try:
        fields = read()
        entry["grant"] = needed(fields, "grant_type")
        entry["client_id"] = fields.get("client_id")
        data = grant(fields, entry)
    except Refused as refused:
        entry["outcome"] = getattr(refused, "cause", refused.code)
        servers.log(entry)
        shape = servers.config.error_shape or refused.shape
        if shape:
            errors = OAuthErrors(shape)
        return errors.error(
            refused.status, code=refused.code, message=refused.description
        )
    servers.log(entry)
    left = {k: v for k, v in data.items() if k not in servers.config.omit}
    return Reply(200, left, dict(_NO_STORE))


def form(request: Request) -> dict[str, str]:
    """The fields of a form body, each once (RFC 6749 section 3.2). Raises Refused."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/x-www-form-urlencoded":
        raise Refused("invalid_request", f"The body must be a form, not {kind!r}.")
    pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    if len(dict(pairs)) != len(pairs):
        raise Refused("invalid_request", "A parameter is there twice.")
    return dict(pairs)


def json_fields(request: Request) -> dict[str, str]:
    """The fields of a JSON body; texts only. Raises Refused."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    data = request.json()
    if kind != "application/json" or not isinstance(data, dict):
        raise Refused("invalid_request", f"The body must be JSON, not {kind!r}.")
    for name, value in data.items():
        if not isinstance(value, str):
            raise Refused("invalid_request", f"{name}: Input should be a valid string")
    return data


def is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("application/json")


def no_basic(request: Request) -> None:
    """A public client has no secret to say. Raises Refused."""
    if "authorization" in request.headers:
        raise Refused("invalid_client", "This client is public: send client_id.", 401)


def check_authorize(query: dict[str, str]) -> None:
    """What every authorization request must have. Raises Refused."""
    if needed(query, "response_type") != "code":
        raise Refused("unsupported_response_type", "response_type must be code")
    needed(query, "state")
    needed(query, "scope")
    challenge = needed(query, "code_challenge")
    if query.get("code_challenge_method") != "S256" or not _CHALLENGE.match(challenge):
        raise Refused("invalid_request", "code_challenge must be of method S256")


def consent(
    request: Request,
    servers: AuthServers,
    agree: Callable[[], dict[str, str]],
    show: Callable[[dict[str, str]], Reply] | None = None,
) -> Reply:
    """Ask the person where the settings say so, then send them back with `agree()`.

    `show`: in place of sending them back. `agree` may raise Refused, which is told to the
    redirect URI like their refusal (RFC 6749 section 4.1.2.1).
    """
    query = request.query
    if not servers.config.auto_approve and "approve" not in query:
        return _question(request)
    try:
        if servers.config.deny or query.get("approve") == "0":
            why = servers.config.deny or "The user denied the request."
            raise Refused("access_denied", why)
        found = agree()
    except Refused as refused:
        if show is not None:
            return refusal_page(refused)
        told = {"error": refused.code, "error_description": refused.description}
        return send_back(query, told)
    if show is not None:
        return show(found)
    return send_back(query, found)


def send_back(query: dict[str, str], found: dict[str, str]) -> Reply:
    """302 to the redirect URI with these parameters and the state."""
    found = {**found, "state": query.get("state", "")}
    mark = "&" if "?" in query["redirect_uri"] else "?"
    where = query["redirect_uri"] + mark + urlencode(found)
    return Reply(302, headers={"location": where}, body=b"")


def code_for(
    vendor: str, request: Request, servers: AuthServers, client_id: str = ""
) -> Code:
    """The terms of an authorization request, for `AuthServers.give_code`."""
    query = request.query
    return Code(
        vendor=vendor,
        client_id=client_id or query["client_id"],
        redirect_uri=query["redirect_uri"],
        challenge=query["code_challenge"],
        scope=servers.config.scope or query["scope"],
        account=servers.account(),
        made_at=servers.moment(),
        state=query["state"],
        nonce=query.get("nonce", ""),
        resource=query.get("resource", ""),
    )


def page(title: str, html: str, status: int = 200) -> Reply:
    """A small page. `html` is trusted, `title` is not."""
    text = (
        f"<!doctype html><html lang='en'><meta charset='utf-8'>"
        f"<title>{escape(title)}</title><body style='{_STYLE}'>"
        f"<h1>{escape(title)}</h1>{html}</body></html>"
    )
    headers = {"content-type": "text/html; charset=utf-8", **_NO_STORE}
    return Reply(status, headers=headers, body=text.encode())


def refusal_page(refused: Refused) -> Reply:
    """For a request that must not be sent back anywhere."""
    text = f"<p>{escape(refused.code)}: {escape(refused.description)}</p>"
    return page("This login cannot go on", text, 400)


def _question(request: Request) -> Reply:
    client = escape(request.query.get("client_id", ""))
    scopes = "".join(
        f"<li><code>{escape(scope)}</code></li>"
        for scope in request.query.get("scope", "").split()
    )
    links = "".join(
        f"<p><a id='{name}' href='?{escape(urlencode({**request.query, 'approve': value}))}'>"
        f"{label}</a></p>"
        for name, label, value in (("allow", "Allow", "1"), ("deny", "Deny", "0"))
    )
    return page("Emulated login", f"<p>{client} asks for</p><ul>{scopes}</ul>{links}")
