"""A person with a credential at the emulator who has code audited."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from context_app.models import Audit
from providers import http
from sessions_app.runs.audits import at_work, auditing
from tests.context_app.test_context import MODELS
from tests.sessions_app.factories import make_credential, make_user, sign_in
from tests.sessions_app.factories_runs import wait_for_runs, wait_until

BAD = 'def run(db, name):\n    db.execute(f"SELECT {name}")\n    return eval(name)\n'
HANGS = [{"text": '{"findings": ['}, {"sleep": 30}, {"text": "]}"}]


@pytest.fixture
def vendors(emulator: Any) -> Iterator[Any]:
    before = http.settings()
    http.configure(http.HttpSettings(reroute=emulator.origins()))
    yield emulator
    for event in list(at_work._at_work.stops.values()):
        event.set()
    assert at_work.wait_until_idle(10)
    wait_for_runs()
    http.configure(before)


def wait_for_request(vendors: Any, number: int = 1) -> None:
    """Wait until the vendor was asked so many times."""
    wait_until(lambda: len(vendors.requests()) >= number)


class Auditor:
    """A person, signed in, and the audits of theirs."""

    def __init__(self, client: Any, slug: str = "gemini") -> None:
        self.client = client
        self.user = make_user()
        sign_in(client, self.user)
        self.credential = make_credential(owner=self.user, provider=slug)
        self.model = MODELS[slug]

    def post(self, **fields: Any) -> Any:
        given = {"credential_id": str(self.credential.pk), "model": self.model}
        return self.client.post(
            "/api/audits/", {**given, **fields}, content_type="application/json"
        )

    def begin(self, text: str = BAD, **fields: Any) -> Audit:
        """A started audit, by HTTP."""
        reply = self.post(**({"text": text} | fields))
        assert reply.status_code == 200, reply.content
        return Audit.objects.get(pk=reply.json()["audit"]["id"])

    def audit(self, text: str = BAD, **fields: Any) -> Audit:
        """An audit that is over."""
        row = self.begin(text, **fields)
        assert at_work.wait_until_idle(10)
        row.refresh_from_db()
        return row

    def show(self, row: Audit) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/api/audits/{row.pk}/").json()
        return found

    def run(self, source: Any = BAD, name: str = "a.py", **choice: Any) -> Audit:
        """The same by the service, waiting for it."""
        choice = {"credential_id": self.credential.pk, "model": self.model} | choice
        return auditing.run(user=self.user, source=source, name=name, **choice)


@pytest.fixture
def auditor(client: Any, vendors: Any) -> Auditor:
    return Auditor(client)


def make_running(user: Any, **fields: Any) -> Audit:
    """An audit that says it runs, and of which nothing was heard for minutes."""
    row = Audit.objects.create(owner=user, source_name="a.py", **fields)
    past = timezone.now() - timedelta(minutes=5)
    Audit.objects.filter(pk=row.pk).update(updated_at=fields.get("updated_at", past))
    return row
