"""How long a refused sign-in takes, for accounts that are there and that are not.

Whoever guesses must not learn from the clock which names exist: the ratio to an unknown
name should lie between 0.8 and 1.25. The kinds take turns, so that a busy machine slows
all of them alike.

    python -m benchmarks.sign_in work TRIES   (what its own process does)
"""

from __future__ import annotations

import json
import statistics
import sys
import time

from benchmarks.inside import run_inside

NAMES = {"unknown": "nobody-of-that-name", "known": "alice", "closed": "closed"}


def measure(*, quick: bool = False) -> list[dict]:
    """Rows of {account, tries, median ms, ratio to unknown}."""
    return run_inside("benchmarks.sign_in", 20 if quick else 100)


def _work(tries: int) -> list[dict]:
    from django.contrib.auth.models import User
    from django.test import Client

    User.objects.create_user("alice", password="correct horse battery staple")
    User.objects.create_user("closed", password="another long one", is_active=False)
    taken: dict[str, list[float]] = {kind: [] for kind in NAMES}
    for number in range(tries):
        for kind, name in NAMES.items():
            # Each from elsewhere: nobody is locked out.
            client = Client(
                REMOTE_ADDR=f"10.0.{number // 250}.{number % 250}",
                HTTP_HOST="127.0.0.1",
            )
            started = time.perf_counter()
            answer = client.post("/login/", {"username": name, "password": "a guess"})
            taken[kind].append(time.perf_counter() - started)
            assert answer.status_code == 200, answer.status_code
    median = {kind: statistics.median(times) for kind, times in taken.items()}
    return [
        {
            "account": kind,
            "tries": tries,
            "median ms": round(found * 1000, 1),
            "ratio to unknown": round(found / median["unknown"], 2),
        }
        for kind, found in median.items()
    ]


if __name__ == "__main__" and sys.argv[1:2] == ["work"]:
    import django

    django.setup()
    print(json.dumps(_work(int(sys.argv[2]))))
