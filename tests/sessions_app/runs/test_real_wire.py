"""Runs over the real wire: the emulator serves, the whole of Maestro listens.

What it makes of recorded streams and of refusals is proven in `tests/faults/`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User

from providers import resolver
from sessions_app.models import Run, SavedAuthentication
from sessions_app.runs import service
from sessions_app.runs.log import live
from tests.emulator import EmulatorProcess
from tests.sessions_app.factories import make_credential, make_superuser
from tests.sessions_app.factories_runs import ask, wait_for_runs, wait_until


@pytest.fixture
def admin(transactional_db: None) -> Iterator[User]:
    yield make_superuser("root")
    wait_for_runs()


def credential_for(
    owner: User, emulator: EmulatorProcess, slug: str
) -> SavedAuthentication:
    """A credential of this provider that the emulator answers."""
    own = resolver.provider(slug).base_url or resolver.provider("openai").base_url
    vendor = slug if slug in ("anthropic", "gemini") else "openai"
    address = emulator.url(vendor) + urlsplit(own).path.rstrip("/")
    return make_credential(owner=owner, provider=slug, base_url=address)


def test_stop_reaches_a_silent_vendor_within_a_second(
    admin: User, emulator: EmulatorProcess
) -> None:
    emulator.script(text="one two three four", stall_s=30)
    credential = credential_for(admin, emulator, "openai")
    model = resolver.provider("openai").default_model
    started = ask(admin, credential_id=credential.pk, model=model)
    wait_until(lambda: any(run.log.seq for run in live.everything()))
    time.sleep(0.2)  # now it is silent
    asked_at = time.monotonic()
    service.stop_run(user=admin, run_id=started.run.pk)
    wait_for_runs()
    assert time.monotonic() - asked_at < 1
    emulator.wait_for_stream("client_closed", within_s=1)
    assert Run.objects.get(pk=started.run.pk).status == Run.Status.STOPPED
