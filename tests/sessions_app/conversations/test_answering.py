"""How a conversation's answers are tried, and by whom else: its owner's choice."""

from __future__ import annotations

import pytest

from sessions_app.models import Conversation, Run
from tests.sessions_app.factories import make_credential, make_user
from tests.sessions_app.factories_runs import ask

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine(client):
    user = make_user()
    client.force_login(user)
    return user, Conversation.objects.create(owner=user, title="mine")


def change(client, row, **fields):
    return client.patch(
        f"/api/conversations/{row.pk}/", fields, content_type="application/json"
    )


def test_retries_and_fallbacks_are_chosen_and_shown(client, mine):
    user, row = mine
    other = make_credential(owner=user, provider="anthropic", name="work")
    response = change(
        client,
        row,
        retry={"attempts": 2, "total_s": 60},
        fallbacks=[{"credential_id": str(other.pk), "model": "m"}],
    )
    assert response.status_code == 200
    found = client.get(f"/api/conversations/{row.pk}/").json()
    assert found["retry"] == {"attempts": 2, "total_s": 60}
    assert found["fallbacks"] == [
        {
            "credential_id": str(other.pk),
            "model": "m",
            "name": "work",
            "provider": "anthropic",
            "auth_type": "api_key",
            "is_usable": True,
        }
    ]


def test_what_is_not_named_stays(client, mine):
    _, row = mine
    change(client, row, retry={"attempts": 2, "total_s": 60})
    change(client, row, title="new name")
    row.refresh_from_db()
    assert row.retry == {"attempts": 2, "total_s": 60}
    change(client, row, retry=None)
    row.refresh_from_db()
    assert row.retry is None


@pytest.mark.parametrize(
    ("retry", "word"),
    [
        ({"attempts": 0, "total_s": 10}, "attempts"),
        ({"attempts": 11, "total_s": 10}, "attempts"),
        ({"attempts": 2, "total_s": 901}, "total_s"),
        ({"attempts": 2, "total_s": -1}, "total_s"),
    ],
)
def test_limits_of_limits(client, mine, retry, word):
    _, row = mine
    response = change(client, row, retry=retry)
    assert response.status_code == 400
    assert word in response.json()["error"]["message"]


def test_a_foreign_credential_is_no_fallback(client, mine):
    _, row = mine
    foreign = make_credential(owner=make_user())
    response = change(
        client, row, fallbacks=[{"credential_id": str(foreign.pk), "model": "m"}]
    )
    assert response.status_code == 400
    row.refresh_from_db()
    assert row.fallbacks == []


def test_more_fallbacks_than_anybody_needs_are_refused(client, mine):
    user, row = mine
    one = {"credential_id": str(make_credential(owner=user).pk), "model": "m"}
    assert change(client, row, fallbacks=[one] * 6).status_code == 400


def test_a_fallback_that_is_gone_says_so(client, mine):
    user, row = mine
    other = make_credential(owner=user)
    change(client, row, fallbacks=[{"credential_id": str(other.pk), "model": "m"}])
    other.delete()
    (found,) = client.get(f"/api/conversations/{row.pk}/").json()["fallbacks"]
    assert (found["name"], found["is_usable"]) == ("", False)


@pytest.mark.django_db(transaction=True)
def test_a_question_takes_the_choice_along(mine, monkeypatch):
    from sessions_app.runs.executor import executor

    monkeypatch.setattr(executor, "submit", lambda run_id: None)
    user, row = mine
    row.retry = {"attempts": 1, "total_s": 0}
    row.save()
    make_credential(owner=user)
    ask(user, conversation_id=row.pk)
    assert Run.objects.get().options == {"retry": {"attempts": 1, "total_s": 0}}
