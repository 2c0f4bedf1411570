"""The exact request: shown before it is sent, counted on demand, kept afterwards."""

from __future__ import annotations

import json

import pytest

from context_app.assembly import Sizer
from context_app.models import SentRequest, TokenRate
from context_app.services import context, requests
from providers import http
from sessions_app.models import Run
from sessions_app.runs.context import counting
from sessions_app.runs.context.look import look
from tests.context_app.test_context import MODELS, Talk
from tests.sessions_app.factories import make_credential, make_user
from tests.sessions_app.factories_runs import wait_for_runs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def vendors(emulator):
    before = http.settings()
    http.configure(http.HttpSettings(reroute=emulator.origins()))
    yield emulator
    wait_for_runs()
    http.configure(before)


@pytest.fixture
def talk(client, vendors):
    return Talk(client, vendors)


def preview(talk, **fields):
    found = talk.client.post(
        f"{talk.url}preview/", fields, content_type="application/json"
    )
    assert found.status_code == 200, found.content
    return found.json()


def test_the_exact_request_is_kept_for_its_owner_without_any_secret(talk):
    run = Run.objects.get()
    (found,) = talk.client.get(f"/api/runs/{run.pk}/requests/").json()["requests"]
    assert found["body"] == json.loads(talk.sent())
    assert found["input_tokens"] == run.usage["input_tokens"]
    secrets = talk.credential.unseal().values()
    assert not any(secret in json.dumps(found) for secret in secrets)


def test_exact_requests_are_saved_as_a_file_by_their_owner_only(talk, client):
    run = Run.objects.get()
    url = f"/runs/{run.pk}/requests.json"
    saved = talk.client.get(url)
    (found,) = saved.json()["requests"]
    assert found["body"] == json.loads(talk.sent()) and found["step"] == 1
    assert saved["Content-Disposition"].startswith("attachment")
    assert "sandbox" in saved["Content-Security-Policy"]
    client.force_login(make_user())
    assert client.get(url).status_code == 404


def test_an_operator_may_keep_none(talk, settings):
    settings.MAESTRO_KEEP_REQUESTS_DAYS = 0
    talk.ask("again")
    assert SentRequest.objects.count() == 1


def test_the_preview_is_what_is_then_sent_and_shows_what_is_new(talk):
    talk.add(kind="persona", text="Be brief.")
    found = preview(talk, text="And then?")
    talk.ask("And then?")
    assert found["body"] == json.loads(talk.sent())
    added = [line for line in found["difference"] if line.startswith("+")]
    assert any("Be brief." in line for line in added)


def test_the_estimate_learns_from_what_the_vendor_counted(talk):
    talk.vendors.script(text="Long.")
    talk.ask("word " * 3000)
    rate = TokenRate.objects.get(provider="openai", model=talk.model)
    assert rate.samples >= 1
    says = talk.show()["gauge"]["says"]
    assert "at the rate of this model's last" in says
    last = talk.show()["gauge"]["last"]
    used = talk.show()["gauge"]["used"]
    assert 0.5 < used / last < 2


@pytest.mark.parametrize("tokens", [10**7, 10**3])
def test_nobody_learns_from_a_server_that_counts_nonsense(tokens):
    requests.learn(None, rate="openai", model="m", chars=100_000, tokens=tokens)
    assert not TokenRate.objects.exists()


def test_what_a_server_of_ones_own_counts_is_learnt_for_its_credential_alone():
    """Else whoever runs one changes the estimates of everybody who asks this model."""
    far = {"base_url": "https://llm.example.org/v1"}
    rows = [make_credential(**far), make_credential(**far), make_credential(), None]
    usual = Sizer().chars_per_token

    def rates():
        found = [context.sizer_for("openai", "m", row) for row in rows]
        return [sizer.chars_per_token for sizer in found]

    own = requests.rate_of("openai", rows[0])
    requests.learn(None, rate=own, model="m", chars=9_000, tokens=9_000)
    assert rates() == [1.0, usual, usual, usual]
    vendors = requests.rate_of("openai", rows[2])
    requests.learn(None, rate=vendors, model="m", chars=18_000, tokens=9_000)
    assert rates() == [1.0, usual, 2.0, 2.0]


def test_an_answer_of_a_server_of_ones_own_teaches_its_credential_alone(talk):
    TokenRate.objects.all().delete()
    talk.credential.base_url = f"{talk.vendors.origins()['https://api.openai.com']}/v1"
    talk.credential.save(update_fields=["base_url"])
    talk.ask("word " * 3000)
    assert TokenRate.objects.get().provider == f"openai@{talk.credential.pk.hex}"


@pytest.mark.parametrize("effort", ["minimal", "high"])
@pytest.mark.parametrize("slug", MODELS)
def test_the_preview_reasons_as_hard_as_is_then_asked_for(
    client, vendors, slug, effort
):
    talk = Talk(client, vendors, slug)
    usual = preview(talk, text="And then?", tools=True)["body"]
    chosen = {"reasoning_effort": effort, "tools": True}
    found = preview(talk, text="And then?", count=True, **chosen)
    assert found["body"] != usual and found["counted"]
    talk.ask("And then?", **chosen)
    assert json.loads(talk.sent()) == found["body"]


def test_a_preview_knows_the_same_words_for_effort_as_a_question(talk):
    reply = talk.client.post(
        f"{talk.url}preview/",
        {"text": "x", "reasoning_effort": "wild"},
        content_type="application/json",
    )
    assert reply.status_code == 400
    assert reply.json()["error"]["field"] == "reasoning_effort"


@pytest.mark.parametrize("slug", MODELS)
def test_the_vendor_counts_the_exact_request_when_it_is_asked_to(client, vendors, slug):
    talk = Talk(client, vendors, slug)
    talk.add(kind="text", text="The treasure is on Elba. " * 40)
    asked = len(vendors.requests())
    found = preview(talk, text="Where?")
    assert found["can_count"] and found["counted"] is None
    assert len(vendors.requests()) == asked
    counted = preview(talk, text="Where?", count=True)["counted"]
    assert len(vendors.requests()) == asked + 1
    talk.ask("Where?")
    assert talk.show()["gauge"]["last"] == counted


def test_the_estimate_learns_from_a_count_but_not_from_the_demos(talk):
    talk.add(kind="text", text="word " * 3000)
    TokenRate.objects.all().delete()
    counted = preview(talk, text="Well?", count=True)["counted"]
    rate = TokenRate.objects.get(provider="openai", model=talk.model)
    assert (rate.samples, rate.tokens) == (1, counted)
    assert "last 1 request here" in talk.show()["gauge"]["says"]
    type(talk.credential).objects.update(is_demo=True)
    assert preview(talk, text="Well?", count=True)["counted"] == counted
    rate.refresh_from_db()
    assert rate.samples == 1


def test_one_person_has_so_many_requests_counted_a_minute(talk, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(counting, "monotonic", lambda: clock[0])
    monkeypatch.setattr(counting, "_counts", {})
    monkeypatch.setattr(counting, "A_MINUTE", 2)
    assert preview(talk, text="One?", count=True)["counted"]
    clock[0] += 50
    assert preview(talk, text="Two?", count=True)["counted"]
    asked = len(talk.vendors.requests())
    sent = {"text": "Three?", "count": True}
    reply = talk.client.post(f"{talk.url}preview/", sent, "application/json")
    assert (reply.status_code, reply["Retry-After"]) == (429, "10")
    assert reply.json()["error"] == {
        "code": "too_often",
        "message": "The vendor counted 2 requests for you within a minute. Count again in "
        "10 s; the estimate stands until then.",
    }
    assert len(talk.vendors.requests()) == asked
    assert preview(talk, text="Three?")["tokens"]  # what is not counted is no count
    assert counting.count(make_user(), *_looked_at(talk))  # somebody else's minute
    clock[0] += 10
    assert preview(talk, text="Three?", count=True)["counted"]
    reply = talk.client.post(f"{talk.url}preview/", sent, "application/json")
    assert (reply.status_code, reply["Retry-After"]) == (429, "50")


def _looked_at(talk):
    found = look(talk.user, talk.row.pk)
    return found, found.credential, {"model": found.model, "auth_type": "api_key"}


def test_a_count_that_fails_leaves_the_estimate(talk):
    talk.vendors.fault("status", status=503, path="input_tokens")
    found = preview(talk, text="Well?", count=True)
    assert found["counted"] is None and found["can_count"] and found["tokens"] > 0
