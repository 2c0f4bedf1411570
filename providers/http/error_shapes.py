"""Reads what vendors say when they refuse, whatever shape they say it in. Pure.

Called by `providers/error_bodies.py`. Shapes (the vendors' pages and recorded answers):

    {"error": {message, type, param, code}}                     OpenAI and its like
    {"type": "error", "error": {type, message, details}, …}     Anthropic
    {"error": {code, message, status, details: […]}}            Google; also in a list
    {"error": "text"}  {"detail": "text" | […]}                 Ollama; Mistral, FastAPI
    {"message", "type", "code"}                                 vLLM, Mistral
    {"error": {code, message, metadata: {raw}}}                 OpenRouter
    HTML or plain text                                          whatever stands in between
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

_GOOGLE_REASON = "google.rpc.ErrorInfo"
_GOOGLE_QUOTA = "google.rpc.QuotaFailure"
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


class Said(msgspec.Struct, kw_only=True):
    """What a refusal says, in its vendor's words.

    `words` are all its machine-readable words in lower case, for the rules; `quota_ids`
    Google's names of exceeded quotas; `numeric_code` an HTTP status inside the body;
    `raw` the error object itself.
    """

    message: str = ""
    type: str | None = None
    code: str | None = None
    request_id: str | None = None
    words: set[str] = set()
    quota_ids: list[str] = []
    domain: str = ""
    numeric_code: int | None = None
    is_error: bool = False  # the body itself says that it is an error
    raw: dict[str, Any] = {}


def read_body(body: bytes) -> Said:
    """A whole error body. Never raises."""
    text = body.decode(errors="replace").strip().removeprefix("\ufeff")
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Said(message=_plain(text))
    return read_object(found)


def read_object(found: Any) -> Said:
    """A decoded error body, or the error object inside a stream. Never raises."""
    while isinstance(found, list) and found:
        found = found[0]
    if isinstance(found, str):
        return Said(message=found)
    if not isinstance(found, dict):
        return Said()
    error = found.get("error", found)
    if isinstance(error, list) and error:
        error = error[0]
    if isinstance(error, str):
        error = {**found, "message": found.get("message") or error, "error": None}
    if not isinstance(error, dict):
        error = found
    said = Said(raw=error)
    said.is_error = bool(found.get("error") or found.get("detail"))
    said.message = _message(error) or _message(found)
    _read_words(said, error)
    said.request_id = _text(found.get("request_id")) or _text(error.get("request_id"))
    details = error.get("details")
    if isinstance(details, list):
        _read_google(said, details)
    elif isinstance(details, dict):
        said.code = _text(details.get("error_code")) or said.code
    said.words |= {word.lower() for word in (said.type, said.code) if word}
    return said


def _read_words(said: Said, error: dict[str, Any]) -> None:
    code = error.get("code")
    kind, status = _text(error.get("type")), _text(error.get("status"))
    said.type = kind if kind and kind != "error" else status or kind
    said.code = _text(code)
    for number in (code, error.get("status_code"), error.get("status")):
        digits = str(number)
        if said.numeric_code is None and len(digits) == 3 and digits.isdecimal():
            said.numeric_code = int(digits) if 400 <= int(digits) < 600 else None
    said.words = {w.lower() for w in (kind, status, said.code) if w}


def _read_google(said: Said, details: list[Any]) -> None:
    for detail in details:
        if not isinstance(detail, dict):
            continue
        kind = str(detail.get("@type", ""))
        if kind.endswith(_GOOGLE_REASON) and detail.get("reason"):
            said.code = str(detail["reason"])
            said.domain = str(detail.get("domain", ""))
        elif kind.endswith(_GOOGLE_QUOTA):
            rows = detail.get("violations")
            for row in rows if isinstance(rows, list) else []:
                if isinstance(row, dict):
                    said.quota_ids.append(str(row.get("quotaId", "")))


def _message(error: dict[str, Any]) -> str:
    found = error.get("message") or error.get("detail") or error.get("msg")
    if isinstance(found, dict):
        return _message(found)
    if isinstance(found, list):  # FastAPI: [{"loc": ["body", "field"], "msg": "…"}]
        return "; ".join(_field_problem(row) for row in found[:5])
    message = _text(found) or ""
    metadata = error.get("metadata")
    upstream = _text(metadata.get("raw")) if isinstance(metadata, dict) else None
    return (
        f"{message}: {upstream}" if message and upstream else message or upstream or ""
    )


def _field_problem(row: Any) -> str:
    if not isinstance(row, dict):
        return str(row)
    place = row.get("loc")
    where = ".".join(map(str, place)) if isinstance(place, list) else ""
    what = _text(row.get("msg")) or _text(row.get("message")) or ""
    return f"{where}: {what}" if where else what


def _plain(text: str) -> str:
    """The gist of something that is not JSON."""
    title = _TITLE.search(text[:20_000])
    if title:
        return " ".join(title[1].split())
    if text[:1] == "<":
        text = _TAG.sub(" ", text[:20_000])
    return " ".join(text[:2_000].split())


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str | int | float):
        return str(value) or None
    return None
