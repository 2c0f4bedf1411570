"""Who may serve beside whom: processes that would not hear each other refuse to start."""

import os
import threading

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.db import connection, connections
from django.db.models.functions import Now

from maestro import probes
from maestro.operations import joining
from sessions_app import presence
from sessions_app.models import ServerProcess

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(joining, "_WATCH_S", 1.2)


@pytest.fixture
def shared(settings):
    """This process has a Redis between itself and others."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.X"}}


def elsewhere(layer="memory", role="web", **fields):
    """A process of another machine; a number alone does not tell whether it lives."""
    return ServerProcess.objects.create(
        pk="far.example:12:345", role=role, layer=layer, **fields
    )


@pytest.fixture
def it_beats():
    """That process lives: its beat moves."""
    over = threading.Event()

    def beat():
        while not over.wait(0.1):
            ServerProcess.objects.update(beat_at=Now())
        connections.close_all()

    thread = threading.Thread(target=beat)
    thread.start()
    yield
    over.set()
    thread.join()


def said():
    lines = []
    joining.refuse_company(lines.append)
    return lines


def test_alone_it_starts_at_once():
    assert said() == []


def test_it_refuses_beside_a_living_web_process_that_it_would_not_hear(it_beats):
    elsewhere()
    with pytest.raises(joining.NotReady, match=r"far\.example:12.*MAESTRO_REDIS_URL"):
        said()


def test_it_refuses_with_redis_beside_one_that_has_none(shared, it_beats):
    elsewhere()
    with pytest.raises(joining.NotReady):
        said()


def test_with_redis_between_them_they_stand_side_by_side(shared, it_beats):
    elsewhere("shared")
    assert said() == []


def other_address(url, **fields):
    """A web process that speaks through another Redis, or the same in other words."""
    before = settings.CHANNEL_LAYERS
    settings.CHANNEL_LAYERS = through(url)
    try:
        mark = presence.layer_mark()
    finally:
        settings.CHANNEL_LAYERS = before
    return elsewhere("shared", layer_mark=mark, **fields)


def through(url):
    layer = {
        "BACKEND": "channels_redis.core.X",
        "CONFIG": {"hosts": [{"address": url}]},
    }
    return {"default": layer}


HERE = "redis://user:password-7a@redis.internal:6379/0"


@pytest.fixture
def through_here(settings):
    settings.CHANNEL_LAYERS = through(HERE)


OTHERS = [
    "redis://elsewhere.internal:6379/0",
    "redis://redis.internal:6380/0",
    "redis://redis.internal:6379/1",
    "unix:///run/redis.sock",
    "redis://127.0.0.1/0",
]


@pytest.mark.parametrize("url", OTHERS)
def test_it_refuses_beside_one_that_speaks_through_another_redis(
    through_here, it_beats, url
):
    other_address(url)
    with pytest.raises(joining.NotReady, match=r"far\.example:12.*MAESTRO_REDIS_URL"):
        said()


@pytest.mark.parametrize(
    "url",
    [
        HERE,
        "redis://redis.internal",
        "rediss://:other@REDIS.internal/",
        "redis://redis.internal:6379/0?socket_timeout=3",
    ],
)
def test_the_same_redis_in_other_words_is_the_same(through_here, it_beats, url):
    other_address(url)
    assert said() == []


def test_the_loopback_of_another_machine_is_another_redis(settings, monkeypatch):
    settings.CHANNEL_LAYERS = through("redis://127.0.0.1/0")
    here = presence.layer_mark()
    settings.CHANNEL_LAYERS = through("redis://[::1]:6379")
    assert presence.layer_mark() == here
    monkeypatch.setattr("socket.gethostname", lambda: "far.example")
    assert presence.layer_mark() != here


def test_one_that_ended_without_a_word_refuses_nobody_another_redis(through_here):
    """Its row is left; so an address is changed by stopping all and starting them."""
    other_address(OTHERS[0])
    (line,) = said()
    assert "waiting to be sure" in line


def test_a_process_of_the_version_before_says_no_address_and_is_let_be(
    through_here, it_beats
):
    with connection.cursor() as cursor:  # as its own code writes it
        cursor.execute(
            "INSERT INTO sessions_app_serverprocess (id, role, version, layer, counters) "
            "VALUES ('far.example:1:2', 'web', '1', 'shared', '[]')"
        )
    assert said() == []


def test_its_row_names_no_address_and_no_password(through_here):
    process = presence.Presence()
    process._role = "web"
    process.beat()
    row = ServerProcess.objects.values().get()
    assert row["layer_mark"]
    for word in ("password", "user", "redis", "internal", "6379"):
        assert word not in row["layer_mark"]


def test_two_that_started_in_the_same_moment_are_told_by_the_check_and_readiness(
    through_here, monkeypatch
):
    """Neither saw the other's row."""
    monkeypatch.setattr(probes.doorbell, "is_heard", lambda: True)
    assert probes.results()["channel_layer"] == "ok"
    other_address(OTHERS[0])
    assert probes.results()["channel_layer"] == "failed"
    assert "maestro.E002" not in ids()
    mark = presence.layer_mark()
    ServerProcess.objects.create(
        pk="near.example:1:2", role="web", layer="shared", layer_mark=mark
    )
    assert "maestro.E002" in ids()
    ServerProcess.objects.update(layer_mark=mark)
    assert "maestro.E002" not in ids()


def test_a_worker_is_no_company(it_beats):
    elsewhere(role="worker")
    assert said() == []


def test_a_process_that_was_killed_is_told_by_its_beat_and_not_by_a_clock():
    """Its row is fresh, and nobody can ask the other machine."""
    elsewhere()
    (line,) = said()
    assert "waiting to be sure" in line


def test_a_killed_process_of_this_machine_is_known_at_once():
    place, started = presence.identity().rpartition(":")[::2]
    name, _, _ = place.rpartition(":")
    pid = os.spawnlp(os.P_WAIT, "true", "true") or 4_000_000
    ServerProcess.objects.create(
        pk=f"{name}:{pid}:{started}", role="web", layer="memory"
    )
    assert said() == []


def test_a_system_check_names_several_on_the_in_memory_layer():
    elsewhere()
    assert "maestro.E002" not in ids()
    ServerProcess.objects.create(pk="near.example:1:2", role="web", layer="memory")
    assert "maestro.E002" in ids()
    ServerProcess.objects.update(layer="shared")
    assert "maestro.E002" not in ids()


def ids():
    return [found.id for found in run_checks(databases=["default"])]


def test_a_database_that_does_not_come_is_said_in_words(monkeypatch):
    from django.db import OperationalError
    from django.db.backends.base.base import BaseDatabaseWrapper

    def fails(self):
        raise OperationalError("connection refused")

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", fails)
    with pytest.raises(joining.OperationFailed, match="does not answer: connection"):
        joining.wait_for_database(0.1)
