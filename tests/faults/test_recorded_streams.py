"""Real streams of real vendors, replayed through the whole product.

Emulator, sockets, HTTP, dialect, run, log, database, command and page: what a person sees
and what is stored is exactly what the vendor's own SDK made of the same bytes.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from providers.accumulate import Accumulator
from providers.events import Event
from sessions_app.models import Conversation, Message, Run
from tests.emulator import EmulatorProcess
from tests.faults import expected as want
from tests.faults.asking import (
    QUESTION,
    WIRES,
    chat,
    credential_for,
    folded_log,
    joined,
    run_of,
)
from tests.recordings import Recording, streams
from tests.sessions_app.consumers.page import Page

every_stream = pytest.mark.parametrize("recording", streams())


@every_stream
def test_chat_and_the_database_show_what_was_recorded(
    recording: Recording, alice: User, replayer: EmulatorProcess
) -> None:
    credential = credential_for(recording.dialect, alice, replayer)
    replayer.replay(recording.name)
    shown, code = chat(credential, WIRES[recording.dialect].model)

    assert replayer.streams()[-1]["how"] == "finished", "it was read to its end"
    check_document(recording, shown, code)
    run = run_of(shown)
    check_stored(recording, run)
    log = folded_log(run)
    assert log.text == recording.expected["text"]
    assert msgspec.to_builtins(log.parts()) == run.answer.parts


@every_stream
async def test_an_open_page_is_told_what_was_recorded(
    recording: Recording, alice: User, replayer: EmulatorProcess
) -> None:
    wire = WIRES[recording.dialect]
    credential = await sync_to_async(credential_for)(recording.dialect, alice, replayer)
    replayer.replay(recording.name)
    async with Page(alice) as page:
        accepted = await page.ask(credential_id=credential.pk, model=wire.model)
        run_id = accepted["run"]["id"]
        answer = await page.until_over(run_id)

    seen = folded_frames(page.frames, run_id)
    assert seen.text == recording.expected["text"]
    assert seen.reasoning == recording.expected["reasoning"]
    want.check_words(recording, msgspec.to_builtins(seen.parts()))
    want.check_words(recording, answer["parts"])
    run = page.runs[run_id]
    assert run["status"] == ("failed" if want.is_failure(recording) else "done")
    assert (run["error"] is not None) == want.is_failure(recording)
    want.check_usage(recording, run["usage"]["raw"] if run["usage"] else None)
    assert not any("state" in part for part in answer["parts"])


def check_document(recording: Recording, shown: dict[str, Any], code: int) -> None:
    """The one document that `--json` prints."""
    expected = recording.expected
    assert code == (1 if want.is_failure(recording) else 0)
    assert shown["text"] == expected["text"]
    assert shown["reasoning"] == expected["reasoning"]
    assert shown["refusal"] == expected.get("refusal", "")
    want.check_calls(recording, shown["tool_calls"])
    want.check_citations(recording, shown["citations"])
    want.check_usage(recording, shown["usage_raw"])
    want.check_stop(recording, shown["stop_reason_raw"])
    want.check_error(recording, shown["error"])


def check_stored(recording: Recording, run: Run) -> None:
    """One question, one answer, one run; all of it what was recorded."""
    want.check_run(recording, run)
    want.check_words(recording, run.answer.parts)
    want.check_kept_state(recording, run.answer.parts)
    assert run.answer.text == recording.expected["text"]
    assert joined(run.question.parts, "text") == QUESTION
    if (
        "prompt_block" in recording.expected
    ):  # no stop reason came: the block is the end
        assert run.stop_reason == "content_filter"
    counts = (Conversation.objects.count(), Message.objects.count())
    assert counts == (1, 2)


def folded_frames(frames: list[dict[str, Any]], run_id: str) -> Accumulator:
    """The events of a run's batches, as a page folds them."""
    found = Accumulator()
    for frame in frames:
        if frame["type"] == "batch" and frame["run_id"] == run_id:
            for event in msgspec.convert(frame["events"], list[Event]):
                found.add(event)
    return found
