"""A saved key through the installed vendors: it arrives where it belongs, only there."""

import json
import logging

import pytest

from sessions_app.models import SavedAuthentication
from sessions_app.services import credentials

pytestmark = pytest.mark.django_db

CANARY = "sk-canary-41d7"
MODELS = json.dumps({"object": "list", "data": [{"id": "small", "object": "model"}]})
REFUSAL = json.dumps({"error": {"message": f"bad key {CANARY}", "type": "invalid"}})


def add(user, url):
    return credentials.add_api_key(
        user=user, provider="ollama", name="lab", api_key=CANARY, base_url=url
    )


def test_the_key_reaches_the_server_of_its_own_address(alice, serve):
    url, seen = serve(200, MODELS)
    row = add(alice, url)

    assert credentials.check_credential(user=alice, credential_id=row.pk).is_ok
    models = credentials.models_for(user=alice, credential_id=row.pk)

    assert [model.id for model in models] == ["small"]
    assert {header for _, header in seen} == {f"Bearer {CANARY}"}


def test_a_refused_key_is_said_in_words_without_the_key(alice, serve, caplog):
    caplog.set_level(logging.DEBUG)
    url, _ = serve(401, REFUSAL)
    row = add(alice, url)

    result = credentials.check_credential(user=alice, credential_id=row.pk)

    row.refresh_from_db()
    assert (result.is_ok, row.state) == (False, "rejected")
    assert CANARY not in repr(result)
    assert CANARY not in row.cause
    assert all(CANARY not in str(vars(record)) for record in caplog.records)


def test_a_server_that_is_away_keeps_the_state_and_says_what_happened(alice, serve):
    url, _ = serve(503, "{}")
    row = add(alice, url)
    result = credentials.check_credential(user=alice, credential_id=row.pk)

    row.refresh_from_db()
    assert (result.is_ok, row.state) == (False, "ok")
    assert row.cause == result.message


def test_an_unsaved_key_is_tried_on_the_wire_and_not_kept(alice, serve):
    url, seen = serve(200, MODELS)
    result = credentials.try_credential(
        user=alice, provider="ollama", api_key=CANARY, base_url=url
    )
    assert result.is_ok
    assert seen[0][1] == f"Bearer {CANARY}"
    assert not SavedAuthentication.objects.exists()
