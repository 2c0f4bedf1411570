"""This process among those of the installation: it says that it is there, and who else is.

Begun by the web process and the worker. A beat is one small write in ten seconds; it
carries what the process has counted. A process that ends hands its counters on and takes
its row away; who was killed is tidied up by whoever beats next.
"""

from __future__ import annotations

import hmac
import logging
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error, connections, transaction
from django.db.models.functions import Now

import providers
from providers.http.urls import is_loopback
from sessions_app import counters
from sessions_app.installation import host_id
from sessions_app.models.process import ServerProcess
from sessions_app.processes import identity, is_dead

log = logging.getLogger(__name__)

BEAT_S = 10.0
_REDIS_PORT = 6379
_PAST = "past"

Role = ServerProcess.Role
Layer = ServerProcess.Layer


class Presence:
    """One per process (`here`, below)."""

    def __init__(self) -> None:
        self._role = ""
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._stored: counters.Samples = []  # in our row, as far as we know
        self._handed_on: counters.Samples = []  # in the row of the past

    def begin(self, role: str) -> None:
        """Beat from now on, until `end`."""
        self._role = role
        threading.Thread(target=self._loop, name="presence", daemon=True).start()

    def end(self) -> None:
        """The process is ending: it counts among the past ones."""
        self._over.set()
        with self._lock:
            try:
                self._beat()
                _hand_on(identity())
            except Error:
                pass  # found by its silence
            finally:
                connections.close_all()

    def beat(self) -> None:
        """Say that we are there, with what was counted up to now. Raises DatabaseError."""
        with self._lock:
            self._beat()

    def hand_on(self) -> None:
        """For a worker's child, whom nobody misses: what it counted is added at once."""
        with self._lock, transaction.atomic():
            counted = counters.samples()
            _add_to_past(counters.added([counted], minus=self._handed_on))
            self._handed_on = counted

    def _beat(self) -> None:
        if not self._role:
            return
        own = counters.added([counters.samples()], minus=self._handed_on)
        mine = ServerProcess.objects.filter(pk=identity())
        if not mine.update(counters=own, beat_at=Now()):
            # The first beat; or we were taken for dead, and our counters handed on.
            self._handed_on = counters.added([self._handed_on, self._stored])
            own = counters.added([counters.samples()], minus=self._handed_on)
            ServerProcess.objects.create(
                pk=identity(), role=self._role, version=providers.VERSION,
                layer=layer(), layer_mark=layer_mark(), counters=own,
            )  # fmt: skip
        self._stored = own

    def _loop(self) -> None:
        while not self._over.is_set():
            try:
                self.beat()
                tidy()
            except Error as exc:
                log.warning("presence.failed", extra={"error": type(exc).__name__})
            except Exception:  # a bug here must not silence the next beat
                log.exception("presence.failed")
            finally:
                connections.close_all()
            self._over.wait(BEAT_S)


here = Presence()


def layer() -> str:
    """Whether this process hears others."""
    backend = settings.CHANNEL_LAYERS["default"]["BACKEND"]
    return Layer.MEMORY if "InMemory" in backend else Layer.SHARED


def layer_mark() -> str:
    """A hash of Redis's address, equal for those who share it; "" in memory."""
    config: Any = settings.CHANNEL_LAYERS["default"].get("CONFIG") or {}
    if layer() == Layer.MEMORY or not config.get("hosts"):
        return ""
    place = _place(str(config["hosts"][0]["address"]))
    return hmac.digest(host_id().encode(), place.encode(), "sha256").hex()[:32]


def _place(address: str) -> str:
    """Server and database, without what may be written otherwise (case, defaults) and
    what is secret. This machine's loopback is not that of another one."""
    parts = urlsplit(address)
    name = parts.hostname or "localhost"
    if is_loopback(f"//[{name}]" if ":" in name else f"//{name}"):
        name = f"localhost of {socket.gethostname()}"
    if parts.scheme == "unix":
        return f"{name} {parts.path}"
    return f"{name} {parts.port or _REDIS_PORT} {parts.path.strip('/') or 0}"


def unheard() -> list[ServerProcess]:
    """Living web processes that would not hear us, nor we them."""
    rows, mark = others(Role.WEB), layer_mark()
    if layer() == Layer.MEMORY:
        return rows
    return [
        row
        for row in rows
        # The version before said nothing of its address.
        if row.layer == Layer.MEMORY or (row.layer_mark and row.layer_mark != mark)
    ]


def tidy() -> None:
    """Forget processes that are gone; what they counted is kept."""
    for row in ServerProcess.objects.exclude(role=Role.PAST).only("id"):
        if is_dead(row.pk):
            _hand_on(row.pk)
    for row in ServerProcess.objects.silent().only("id"):
        _hand_on(row.pk)


def others(role: str) -> list[ServerProcess]:
    """Living processes of this kind, without ourselves."""
    found = ServerProcess.objects.living().filter(role=role).exclude(pk=identity())
    return [row for row in found.defer("counters") if not is_dead(row.pk)]


def total() -> counters.Samples:
    """What all processes together have counted, the past ones included."""
    return counters.added(ServerProcess.objects.values_list("counters", flat=True))


def _hand_on(process_id: str) -> None:
    """Add a process's counters to those of the past, once, and take its row away."""
    with transaction.atomic():
        row = ServerProcess.objects.select_for_update().filter(pk=process_id).first()
        if row is not None:
            _add_to_past(row.counters)
            row.delete()


def _add_to_past(counted: counters.Samples) -> None:
    past, _ = ServerProcess.objects.select_for_update().get_or_create(
        pk=_PAST, defaults={"role": Role.PAST}
    )
    past.counters = counters.added([past.counters, counted])
    past.save(update_fields=["counters"])
