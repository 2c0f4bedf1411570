"""`/healthz`, `/readyz`, `/metrics`: what monitors are told, and what strangers are not."""

import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, connections

from maestro import probes
from sessions_app import presence
from sessions_app.models import Run, ServerProcess
from sessions_app.runs import metrics
from tests.sessions_app.factories import make_credential

pytestmark = pytest.mark.django_db(transaction=True)

PARTS = {
    "database", "storage", "migrations", "encryption_key", "channel_layer", "worker",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _anew(monkeypatch):
    """No test is told what another one found; each process has just begun."""
    monkeypatch.setattr(probes, "_BEGAN", time.monotonic())
    probes.recent.forget()
    yield
    probes.recent.forget()


@pytest.fixture
def no_grace(monkeypatch):
    """As if this process had been up for a while."""
    monkeypatch.setattr(probes, "GRACE_S", 0.0)


def ready(client):
    answer = client.get("/readyz")
    return answer.status_code, answer.json()["parts"]


def test_it_is_ready_with_a_worker(client, no_grace):
    ServerProcess.objects.create(pk="a:1:1", role="worker", layer="memory")
    assert ready(client) == (200, dict.fromkeys(PARTS, "ok"))


def test_it_is_not_ready_without_a_worker(client, no_grace):
    status, parts = ready(client)
    assert status == 503
    assert {name for name, word in parts.items() if word != "ok"} == {"worker"}


def test_it_is_not_ready_beside_a_web_process_that_it_does_not_hear(client, settings):
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryX"}}
    ServerProcess.objects.create(pk="far.example:1:1", role="web", layer="memory")
    assert ready(client)[1]["channel_layer"] == "failed"


@pytest.mark.parametrize("part", sorted(PARTS))
def test_each_part_that_fails_is_named_and_the_reason_is_in_the_log_only(
    client, monkeypatch, caplog, part
):
    def fails():
        raise OperationalError("password of db.internal refused")

    monkeypatch.setitem(probes.PROBES, part, fails)
    with caplog.at_level(logging.WARNING):
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"][part] == "failed"
    assert b"internal" not in answer.content
    assert any(
        "internal" in record.__dict__.get("error", "") for record in caplog.records
    )


def test_the_database_is_tried_by_a_write(monkeypatch, client):
    from sessions_app.models import InstallationFact

    def full(*args, **kwargs):
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(InstallationFact.objects, "update_or_create", full)
    status, parts = ready(client)
    assert (status, parts["database"]) == (503, "failed")


@pytest.fixture
def tries(monkeypatch):
    """When the database was tried, and slowly."""
    tried = []

    def slowly():
        tried.append(time.monotonic())
        time.sleep(0.05)

    monkeypatch.setitem(probes.PROBES, "database", slowly)
    return tried


def test_who_asks_a_hundred_times_has_everything_tried_once(client, tries):
    assert {ready(client)[0] for _ in range(100)} == {200}
    assert len(tries) == 1


def test_who_asks_at_the_same_moment_waits_for_one_answer(tries):
    def ask(_):
        try:
            return probes.recent.results()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert found == [dict.fromkeys(PARTS, "ok")] * 8
    assert len(tries) == 1


def test_what_fails_is_said_within_a_second(client, tries, monkeypatch):
    assert ready(client)[0] == 200

    def fails():
        raise RuntimeError("away")

    monkeypatch.setitem(probes.PROBES, "database", fails)
    time.sleep(probes.RECENT_S)
    assert ready(client) == (503, {**dict.fromkeys(PARTS, "ok"), "database": "failed"})


def test_neither_tells_a_stranger_a_version_and_nobody_keeps_them(client):
    for path in ("/healthz", "/readyz"):
        answer = client.get(path)
        assert "no-store" in answer["Cache-Control"]
        assert "version" not in json.dumps(answer.json())


def test_metrics_are_for_the_bearer_of_the_token(client, settings):
    assert client.get("/metrics").status_code == 404
    settings.MAESTRO_METRICS_TOKEN = "right-token"
    for word in ("", "Bearer wrong", "Bearer ", "Basic right-token"):
        assert (
            client.get("/metrics", headers={"Authorization": word}).status_code == 401
        )


def test_metrics_tell_everything_an_operator_watches(client, settings, monkeypatch):
    settings.MAESTRO_METRICS_TOKEN = "right-token"
    make_credential(name="key")
    monkeypatch.setattr(presence.here, "_role", "web")
    metrics.run_ended(
        Run(provider="openai", status="done",             usage={"input_tokens": 3, "output_tokens": 4})
    )  # fmt: skip
    metrics.streamed("openai", 7)
    metrics.attempt_failed("openai", "rate_limited", "retry")
    before = values(client)
    for name in (
        "maestro_runs_total", "maestro_first_token_seconds", "maestro_deltas_total",
        "maestro_tokens_total", "maestro_usage_cost_usd_total", "maestro_refreshes_total",
        "maestro_attempts_failed_total", "maestro_credentials", "maestro_runs_active",
        "maestro_processes",
    ):  # fmt: skip
        assert f"# TYPE {name.removesuffix('_total')}" in before["text"], name
    metrics.streamed("openai", 2)
    label = 'maestro_deltas_total{provider="openai"}'
    assert values(client)[label] == before[label] + 2
    assert before['maestro_processes{role="web"}'] == 1
    ServerProcess.objects.all().delete()


def values(client):
    answer = client.get("/metrics", headers={"Authorization": "Bearer right-token"})
    assert answer.status_code == 200
    text = answer.content.decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = {
        name: float(value) for name, _, value in (li.rpartition(" ") for li in lines)
    }
    assert len(found) == len(lines), "no sample twice"
    return {**found, "text": text}


@pytest.mark.parametrize("path", ["/", "/api/conversations/", "/admin/"])
def test_a_database_that_is_away_is_503_with_a_time_to_come_back(admin_client, path):
    def away(*args, **kwargs):
        raise OperationalError("connection refused by db.internal")

    admin_client.raise_request_exception = False
    with connection.execute_wrapper(away):
        answer = admin_client.get(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    if path.startswith("/api/"):
        assert answer.json()["error"]["code"] == "unavailable"
    else:
        assert b"In a moment" in answer.content
    assert b"internal" not in answer.content
    assert answer["X-Request-Id"]
