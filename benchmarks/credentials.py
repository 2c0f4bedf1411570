"""Ten thousand credentials, a thousand of them due: the sweep, and the admin's list.

The sweep's anchor is the same token requests sent bare, by as many threads, to the same
server: what is above it is ours. The list's anchor is the list with one row. Everything
runs in a process of its own, on SQLite in a data directory of its own.

    python -m benchmarks.credentials work ROWS DUE   (what that process does)
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from benchmarks.inside import Timer, run_inside

THREADS = 8  # of a sweep
DELAYS_MS = (0, 200)  # how long the vendor takes for a token
ENOUGH_S = 900.0  # the whole sweep is measured, whatever a scheduled one may take


def measure(*, quick: bool = False) -> list[dict]:
    """Rows of {what, rows, queries, seconds and the like}; a column is what it says."""
    count, due = (1000, 100) if quick else (10_000, 1000)
    found: list[dict] = []
    for delay_ms in DELAYS_MS:
        with TokenServer(delay_ms) as vendor:
            floor_s = _bare(vendor.url, due)
            vendor.asked.clear()
            only = "" if delay_ms == DELAYS_MS[-1] else "sweep"
            result = _worker(vendor.url, count, due, only)
            sweep = {
                "what": f"sweep, vendor takes {delay_ms} ms",
                **result["sweep"],
                "token requests": len(vendor.asked),
                "bare requests s": round(floor_s, 2),
            }
        found.append(sweep)
        found += result["lists"]
    return found


class TokenServer:
    """Gives every refresh token a successor, `delay_ms` later, and notes when it was asked."""

    def __init__(self, delay_ms: int) -> None:
        self.asked: list[float] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(handler) -> None:
                handler.rfile.read(int(handler.headers["Content-Length"]))
                self.asked.append(time.monotonic())
                number = len(self.asked)
                time.sleep(delay_ms / 1000)
                tokens = {
                    "access_token": f"at-test-{number}",
                    "refresh_token": f"rt-test-{number}",
                    "token_type": "bearer",
                    "expires_in": 3600,
                }
                body = json.dumps(tokens).encode()
                handler.send_response(200)
                handler.send_header("Content-Type", "application/json")
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(handler, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> TokenServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _bare(url: str, due: int) -> float:
    """Seconds for the same requests with nothing around them."""
    local = threading.local()

    def ask(number: int) -> None:
        if not hasattr(local, "http"):
            local.http = requests.Session()
            local.http.trust_env = False
        fields = {"grant_type": "refresh_token", "refresh_token": f"rt-test-{number}"}
        local.http.post(
            f"{url}/oauth/token", data=fields, timeout=30
        ).raise_for_status()

    started = time.monotonic()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(ask, range(due)))
    return time.monotonic() - started


def _worker(url: str, count: int, due: int, only: str) -> dict[str, Any]:
    reroute = f"https://auth.openai.com={url}"
    arguments = [count, due, *([only] if only else [])]
    found: dict[str, Any] = run_inside(
        "benchmarks.credentials", *arguments, MAESTRO_REROUTE=reroute
    )
    return found


# -- in the process that is measured ----------------------------------------------------


def work(count: int, due: int, only: str) -> dict[str, Any]:
    """The list with one row, then with all; then the sweep."""
    import django

    django.setup()
    timer = Timer()
    lists = [] if only else _lists(timer, 1)
    fill(count, due)
    if not only:
        lists += _lists(timer, count)
    return {"sweep": _sweep(timer, count), "lists": lists}


def fill(count: int, due: int) -> None:
    """Logins of ten people, half of them shared with a team; the first `due` are due."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from sessions_app.models import SavedAuthentication, Team

    people = [User.objects.get_or_create(username=f"person{n}")[0] for n in range(10)]
    teams = [Team.objects.get_or_create(name=f"team {n}")[0] for n in range(10)]
    now = timezone.now()
    facts = {"kind": "codex", "mode": "chatgpt", "mode_choice": "auto", "plan": "Plus"}
    SavedAuthentication.objects.all().delete()
    rows = []
    for number in range(count):
        is_due = number < due
        row = SavedAuthentication(
            provider="openai",
            auth_type="oauth",
            name=f"login_{number:05}",
            owner=people[number % 10],
            team=teams[number % 10] if number % 2 else None,
            metadata={**facts, "email": f"p{number}@example.org", "account_id": "acc"},
            expires_at=now + timedelta(seconds=60 if is_due else 3600),
            refresh_at=now + timedelta(seconds=-1 - number if is_due else 3400),
        )
        secrets = {"access_token": "at-test-0" * 100, "refresh_token": f"rt-{number}"}
        row.seal(secrets)
        rows.append(row)
    SavedAuthentication.objects.bulk_create(rows, batch_size=500)


def _sweep(timer: Timer, count: int) -> dict[str, Any]:
    from sessions_app.tokens import sweep

    with timer.measured() as took:
        counts = sweep.sweep(budget_s=ENOUGH_S)
    return {
        "rows": count,
        "due": counts["due"],
        "renewed": counts["renewed"],
        "seconds": took["s"],
        "queries": timer.count,
        "database s, all threads": round(timer.total_s, 2),
        "longest query ms": round(timer.longest_s * 1000, 1),
    }


def _pages(count: int) -> dict[str, str]:
    """Query → what it shows."""
    if count == 1:
        return {"": "first page"}
    return {
        "": "first page",
        f"?p={count // 200}": "middle page",
        "?condition=expiring": "filter by condition",
        "?q=person3": "search",
        "?o=7": "sorted by condition",
    }


def _lists(timer: Timer, count: int) -> list[dict[str, Any]]:
    """The admin's list, as a superuser opens it; the median of some goes."""
    from django.contrib.auth.models import User
    from django.test import Client
    from django.urls import reverse

    if count == 1:
        fill(1, 0)
        User.objects.create_superuser("root")
    client = Client(headers={"host": "127.0.0.1:8000"})
    root = User.objects.get(username="root")
    client.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    url = reverse("admin:sessions_app_savedauthentication_changelist")
    rows = []
    for query, name in _pages(count).items():
        assert client.get(url + query).status_code == 200  # templates are loaded once
        times = []
        for _ in range(5):
            with timer.measured() as took:
                answer = client.get(url + query)
            times.append(took["s"])
        rows.append(
            {
                "what": f"admin list, {name}",
                "rows": count,
                "seconds": statistics.median(times),
                "queries": timer.count,
                "database s, all threads": round(timer.total_s, 3),
                "longest query ms": round(timer.longest_s * 1000, 1),
                "page KB": round(len(answer.content) / 1024),
            }
        )
    return rows


if __name__ == "__main__":
    _, _, rows, due, *rest = sys.argv
    print(json.dumps(work(int(rows), int(due), "".join(rest))))
