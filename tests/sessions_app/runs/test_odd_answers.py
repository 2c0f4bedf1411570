"""What a model may write that no database can store."""

from __future__ import annotations

import pytest

from sessions_app.models import Message, Run
from sessions_app.storable import without_nul
from tests.sessions_app.factories import make_superuser
from tests.sessions_app.factories_runs import ask, wait_for_runs
from tests.sessions_app.runs.test_real_wire import credential_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_nul_in_an_answer_does_not_keep_it_from_being_stored(emulator):
    owner = make_superuser("root")
    credential = credential_for(owner, emulator, "openai")
    emulator.script(text="one \x00two")
    started = ask(owner, credential_id=credential.pk, model="gpt-5.4")
    wait_for_runs()
    assert Run.objects.get(pk=started.run.pk).status == Run.Status.DONE
    stored = Message.objects.get(pk=started.run.answer_id)
    assert stored.text == "one two"
    assert "\x00" not in str(stored.parts) and stored.parts


def test_nothing_but_the_nul_is_taken_away():
    value = {"a\x00": ["b\x00c", 1, None, {"d": "\n\t\u200b"}]}
    assert without_nul(value) == {"a": ["bc", 1, None, {"d": "\n\t\u200b"}]}
