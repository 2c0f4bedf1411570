"""What this installation is, for those who ask: an opaque id, made once and kept."""

from __future__ import annotations

import uuid

from sessions_app.models import InstallationFact

HOST_ID = "host_id"


def host_id() -> str:
    """A URN that stays the same for as long as the database lives. Not a secret."""
    fact, _ = InstallationFact.objects.get_or_create(
        name=HOST_ID, defaults={"value": uuid.uuid4().urn}
    )
    return fact.value
