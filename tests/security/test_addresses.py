"""S-10: the address alone decides what is reached, however it is written, whatever a
header says beside it. What a stranger reaches is the list in `test_access.py`.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from django.conf import settings
from django.test import Client

from tests.security import things
from tests.sessions_app.views.test_access import (
    OPEN,
    WORDS,
    alices_things,
    path_of,
    routes,
)

pytestmark = pytest.mark.django_db

HOSTS = (
    "127.0.0.1:8000", "localhost", "evil.example", "127.0.0.1:8000@evil.example",
    "127.0.0.1:8000/healthz", "healthz", "[::1]", "127.0.0.1:99999", "", "*",
    "localhost.evil.example", "127.0.0.1:8000?x=/healthz", "a" * 300,
)  # fmt: skip
HEADERS = (
    {"HTTP_X_FORWARDED_HOST": "localhost"},
    {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
    {"HTTP_X_ORIGINAL_URL": "/healthz", "HTTP_X_REWRITE_URL": "/healthz"},
    {"HTTP_X_FORWARDED_PREFIX": "/healthz", "SCRIPT_NAME": "/healthz"},
    {"HTTP_X_HTTP_METHOD_OVERRIDE": "GET", "HTTP_X_FORWARDED_USER": "alice"},
    {"HTTP_REMOTE_USER": "alice", "REMOTE_USER": "alice", "REMOTE_ADDR": "127.0.0.1"},
    {"HTTP_AUTHORIZATION": "Basic YWxpY2U6YWxpY2U="},
)


def spellings(path: str) -> list[str]:
    """Ways to write an address that two readers could understand differently."""
    inner = path.strip("/")
    return [
        path,
        f"//{inner}/",
        f"/./{inner}/",
        f"/healthz/../{inner}/",
        f"/healthz/..;/{inner}/",
        f"/healthz;/{inner}/",
        f"/static/../{inner}/",
        f"/static/..%2f{inner}/",
        f"/%2e/{inner}/",
        f"/{inner};x=/healthz/",
        f"/{inner}/;/healthz",
        f"/{inner}%00/",
        f"/{inner}%2f",
        f"/{inner}/%2e%2e/{inner}/",
        f"/{inner.upper()}/",
        f"/{inner}//",
        f"/{inner}/?next=/healthz",
        path.rstrip("/"),
    ]


def is_refused(answer: Any) -> bool:
    if answer.status_code in (301, 302):  # to the login, or to the usual spelling
        return "evil" not in answer["Location"]
    return answer.status_code in (400, 401, 403, 404, 405)


def test_no_spelling_of_an_address_lets_anybody_in(client: Client) -> None:
    ids, _ = alices_things()
    ids = {**ids, **WORDS}
    for name, names in routes():
        if name in OPEN:
            continue
        for path in spellings(path_of(name, names, ids)):
            # As a server hands it over, past the test client's own reading of it.
            raw, _, query = path.partition("?")
            answer = client.get("/", PATH_INFO=unquote(raw), QUERY_STRING=query)
            assert is_refused(answer), (path, answer.status_code)


def test_no_header_makes_a_stranger_somebody(client: Client) -> None:
    ids, _ = alices_things()
    ids = {**ids, **WORDS}
    before = things.snapshot()
    for name, names in routes():
        if name in OPEN:
            continue
        path = path_of(name, names, ids)
        for host in HOSTS:
            answer = client.get(path, headers={"host": host})
            assert is_refused(answer), (path, host, answer.status_code)
        for headers in HEADERS:
            for method in ("get", "post"):
                answer = getattr(client, method)(path, **headers)
                assert is_refused(answer), (path, headers, answer.status_code)
    assert things.snapshot() == before


@pytest.mark.parametrize(
    "host", [h for h in HOSTS if "evil" in h or h in ("*", "healthz")]
)
def test_a_foreign_host_is_refused_even_where_all_are_welcome(
    client: Client, host: str
) -> None:
    for path in ("/login/", "/api/conversations/"):
        assert client.get(path, headers={"host": host}).status_code == 400


def test_no_installation_takes_every_host() -> None:
    assert "*" not in settings.ALLOWED_HOSTS
    assert not settings.USE_X_FORWARDED_HOST
