"""The demo: three credentials that the built-in emulator answers, so that a fresh
installation can chat at once. They carry the emulator's address themselves, as any
credential of a server of one's own does; nothing else is ever sent there.

Called at every start (`maestro.start`), by the banner's button and by `--no-demo`.
"""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from providers import resolver
from sessions_app.errors import NotAllowed
from sessions_app.models.authentication import SavedAuthentication
from sessions_app.models.installation import InstallationFact
from sessions_app.person import Person

log = logging.getLogger(__name__)

# The vendors whose wires the emulator speaks; those not installed are left out.
DEMO_PROVIDERS = ("openai", "anthropic", "gemini")
_FACT = "demo"


def offer_demo(*, emulator_url: str) -> bool:
    """Create the demo where no credential was ever saved; whether there is a demo now.

    Idempotent. An existing demo gets the emulator's address of this start. A demo that a
    person removed is not offered again.
    """
    with transaction.atomic():
        for row in SavedAuthentication.objects.demo():
            address = _address(emulator_url, row.provider)
            if row.base_url != address:
                row.base_url = address
                row.save(update_fields=["base_url", "updated_at"])
        if not SavedAuthentication.objects.exists() and not _was_removed():
            for slug in DEMO_PROVIDERS:
                if slug in resolver.providers():
                    _create(slug, emulator_url)
        return SavedAuthentication.objects.demo().exists()


def remove_demo(*, user: Person) -> int:
    """Remove the demo for good, as the banner's button does. Raises NotAllowed.

    Returns how many credentials went.
    """
    if not user.is_staff:
        raise NotAllowed("Only staff may remove the demo: it is everybody's.")
    with transaction.atomic():
        InstallationFact.objects.update_or_create(
            name=_FACT, defaults={"value": "removed"}
        )
        return withdraw_demo()


def withdraw_demo() -> int:
    """Remove the demo for this start (`--no-demo`); it may be offered again later."""
    deleted, _ = SavedAuthentication.objects.demo().delete()
    if deleted:
        log.info("demo.removed")
        transaction.on_commit(_end_emulator)
    return deleted


def _create(slug: str, emulator_url: str) -> None:
    row = SavedAuthentication(
        provider=slug,
        auth_type="api_key",
        name=f"demo_{slug}",
        base_url=_address(emulator_url, slug),
        is_demo=True,
        is_shared_with_everyone=True,
    )
    row.seal({"api_key": "demo"})
    row.save(force_insert=True)


def _address(emulator_url: str, slug: str) -> str:
    """`<emulator>/<slug>` and the path that the vendor's own base URL has."""
    found = resolver.providers().get(slug)
    path = urlsplit(found.base_url).path.rstrip("/") if found else ""
    return f"{emulator_url.rstrip('/')}/{slug}{path}"


def _end_emulator() -> None:
    """The supervisor sees that its port is not wanted any more."""
    Path(settings.MAESTRO_DEMO_PORT_FILE).unlink(missing_ok=True)


def _was_removed() -> bool:
    return InstallationFact.objects.filter(name=_FACT, value="removed").exists()
