"""What goes wrong on demand, as it looks on the wire."""

from __future__ import annotations

import json
import time

import pytest
import requests

from tests.emulator import EmulatorProcess
from tests.providers.emulator.raw import GOOD, ask, call

SAID = "one two three four five six."
END = b"data: [DONE]\n\n"


def text_of(body: bytes) -> str:
    """The text of the whole events in a Chat Completions stream."""
    said = ""
    for block in body.decode().split("\n\n")[:-1]:
        if block.startswith("data: {") and block.endswith("}"):
            for choice in json.loads(block[6:]).get("choices", []):
                said += choice["delta"].get("content") or ""
    return said


def test_without_a_fault_the_body_is_whole(emulator: EmulatorProcess) -> None:
    emulator.script(text=SAID)

    heard = ask(emulator)

    assert heard.error is None
    assert heard.body.endswith(END)
    assert text_of(heard.body) == SAID


@pytest.mark.parametrize("dialect", GOOD)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500, 503])
def test_a_status_in_every_dialect(
    dialect: str, status: int, emulator: EmulatorProcess
) -> None:
    emulator.fault("status", status=status)

    heard = ask(emulator, dialect)

    assert heard.response.status_code == status
    assert json.loads(heard.body)["error"]["message"]
    assert ask(emulator, dialect).response.status_code == 200  # it befell one request


def test_a_wait_in_the_header_or_in_the_body(emulator: EmulatorProcess) -> None:
    emulator.fault("status", status=429, retry_after_s=1.5, times=2)

    chat, gemini = ask(emulator), ask(emulator, "gemini_generate")

    assert chat.response.headers["retry-after"] == "1.5"
    details = json.loads(gemini.body)["error"]["details"]
    assert details[0]["retryDelay"] == "1.5s"


def test_a_redirect(emulator: EmulatorProcess) -> None:
    emulator.fault("redirect", location="https://elsewhere.example/", status=302)

    heard = ask(emulator)

    assert heard.response.status_code == 302
    assert heard.response.headers["location"] == "https://elsewhere.example/"


def test_a_page_where_a_stream_should_be(emulator: EmulatorProcess) -> None:
    emulator.fault("html")

    heard = ask(emulator)

    assert heard.response.status_code == 200
    assert heard.response.headers["content-type"] == "text/html"
    assert b"502 Bad Gateway" in heard.body


def test_json_where_a_stream_should_be(emulator: EmulatorProcess) -> None:
    emulator.fault("content_type")

    heard = ask(emulator)

    assert heard.response.headers["content-type"] == "application/json"
    assert json.loads(heard.body) == {"unexpected": True}


@pytest.mark.parametrize(
    ("kind", "words"),
    [("close_before", "Remote end closed"), ("reset_before", "reset by peer")],
)
def test_a_connection_that_ends_before_its_answer(
    kind: str, words: str, emulator: EmulatorProcess
) -> None:
    emulator.fault(kind)

    with pytest.raises(requests.ConnectionError, match=words):
        ask(emulator)


CAUSES = [
    ("openai_responses", 429, "insufficient_quota", ("code", "insufficient_quota")),
    ("openai_chat", 400, "context_length_exceeded", ("type", "invalid_request_error")),
    ("anthropic_messages", 403, "billing_error", ("type", "billing_error")),
    ("gemini_generate", 429, "RequestsPerDay", ("status", "RESOURCE_EXHAUSTED")),
]


@pytest.mark.parametrize(("dialect", "status", "code", "shown"), CAUSES)
def test_a_cause_that_the_status_does_not_tell(
    dialect: str,
    status: int,
    code: str,
    shown: tuple[str, str],
    emulator: EmulatorProcess,
) -> None:
    emulator.fault("status", status=status, code=code, message="Because.")

    heard = ask(emulator, dialect)

    error = json.loads(heard.body)["error"]
    assert heard.response.status_code == status
    assert (error[shown[0]], error["message"]) == (shown[1], "Because.")
    assert code in json.dumps(error)


def test_a_fault_for_one_model_or_one_key(emulator: EmulatorProcess) -> None:
    emulator.fault("status", model="mini", times=9)
    emulator.fault("status", key="sk-other", times=9)

    assert ask(emulator).response.status_code == 200
    assert ask(emulator, model="maestro-demo-mini").response.status_code == 500
    other = {"authorization": "Bearer sk-other"}
    path = emulator.base + "/openai/v1/models"
    assert requests.get(path, headers=other, timeout=5).status_code == 500


def test_headers_that_do_not_come(emulator: EmulatorProcess) -> None:
    emulator.fault("stall_headers")

    with pytest.raises(requests.ReadTimeout):
        ask(emulator, timeout_s=0.3)

    emulator.wait_for_stream("client_closed", within_s=2)


@pytest.mark.parametrize("kind", ["stall_headers", "slow_first_byte", "stall"])
def test_a_delay_ends_and_the_answer_is_whole(
    kind: str, emulator: EmulatorProcess
) -> None:
    emulator.fault(kind, delay_s=0.3)
    emulator.script(text=SAID)
    started = time.monotonic()

    heard = ask(emulator)

    assert time.monotonic() - started >= 0.3
    assert text_of(heard.body) == SAID
    assert heard.body.endswith(END)


def test_a_slow_first_byte_comes_after_the_headers(emulator: EmulatorProcess) -> None:
    emulator.fault("slow_first_byte")

    heard = ask(emulator, timeout_s=0.3)

    assert heard.response.status_code == 200
    assert heard.body == b""
    assert isinstance(heard.error, requests.ConnectionError)


def test_silence_in_mid_stream(emulator: EmulatorProcess) -> None:
    emulator.fault("stall")
    emulator.script(text=SAID)

    heard = ask(emulator, timeout_s=0.3)

    assert text_of(heard.body) == "one two three"
    assert heard.error is not None
    emulator.wait_for_stream("client_closed", within_s=2)


@pytest.mark.parametrize("kind", ["cut", "reset"])
def test_a_body_that_ends_too_soon(kind: str, emulator: EmulatorProcess) -> None:
    emulator.fault(kind)
    emulator.script(text=SAID)

    heard = ask(emulator)

    assert SAID.startswith(text_of(heard.body))
    assert END not in heard.body
    assert heard.error is not None
    emulator.wait_for_stream("fault")


def test_a_cut_is_in_mid_event(emulator: EmulatorProcess) -> None:
    emulator.fault("cut")
    emulator.script(text=SAID)

    heard = ask(emulator)

    assert text_of(heard.body) == "one two three"
    assert not heard.body.endswith(b"\n\n")


@pytest.mark.parametrize("at_byte", [0, 11, 500])
def test_a_cut_at_a_byte_of_the_body(at_byte: int, emulator: EmulatorProcess) -> None:
    emulator.fault("cut", at_byte=at_byte)
    emulator.script(text=SAID)

    heard = ask(emulator)

    assert len(heard.body) == at_byte
    assert heard.error is not None


def test_a_short_answer_is_cut_too(emulator: EmulatorProcess) -> None:
    emulator.fault("cut")
    emulator.script(text="Yes.")

    assert ask(emulator).error is not None


def test_an_answer_without_words_is_cut_too(emulator: EmulatorProcess) -> None:
    emulator.fault("cut")
    emulator.script(text="")

    assert ask(emulator).error is not None


def test_an_error_in_mid_stream(emulator: EmulatorProcess) -> None:
    emulator.fault("error")

    heard = ask(emulator)

    last = json.loads(heard.body.decode().split("\n\n")[-2].removeprefix("data: "))
    assert heard.error is None
    assert last["error"]["type"] == "server_error"


def test_garbage_between_good_events(emulator: EmulatorProcess) -> None:
    emulator.fault("garbage")
    emulator.script(text=SAID)

    heard = ask(emulator)

    before, _, after = heard.body.partition(b'data: {"this is": not json\n\n')
    assert text_of(before) == "one two three"
    assert text_of(after) == " four five six."


def test_an_event_that_comes_twice(emulator: EmulatorProcess) -> None:
    emulator.fault("duplicate")
    emulator.script(text=SAID)

    assert text_of(ask(emulator).body) == "one two three four four five six."


def test_a_line_of_megabytes(emulator: EmulatorProcess) -> None:
    emulator.fault("big_line")
    emulator.script(text=SAID)

    heard = ask(emulator)

    assert max(map(len, heard.body.split(b"\n"))) > 10_000_000
    assert text_of(heard.body) == SAID


@pytest.mark.parametrize("kind", ["endless", "drip"])
def test_a_stream_that_does_not_end_until_the_client_goes(
    kind: str, emulator: EmulatorProcess
) -> None:
    emulator.fault(kind)
    path, headers, body = GOOD["openai_chat"]
    url = emulator.base + path
    with requests.post(url, json=body, headers=headers, stream=True, timeout=5) as got:
        chunks = got.iter_content(1)
        for _ in range(900):
            next(chunks)
        assert emulator.streams()[-1]["how"] == "open"

    emulator.wait_for_stream("client_closed", within_s=2)


@pytest.mark.parametrize(("name", "status"), [("429", 429), ("html", 200)])
def test_a_fault_named_by_the_model(
    name: str, status: int, emulator: EmulatorProcess
) -> None:
    heard = ask(emulator, model=f"maestro-demo!{name}")

    assert heard.response.status_code == status
    assert not heard.body.endswith(END)


def test_a_fault_named_by_the_model_in_a_path(emulator: EmulatorProcess) -> None:
    target = "/gemini/v1beta/models/gemini-3.8-flash!503:generateContent"

    assert call(emulator, "POST", target, {})[0] == 503


def test_a_model_that_names_no_fault_is_a_bad_request(
    emulator: EmulatorProcess,
) -> None:
    heard = ask(emulator, model="maestro-demo!earthquake")

    assert heard.response.status_code == 400
    assert b"there is no fault 'earthquake'" in heard.body


def test_a_fault_waits_for_its_path_and_counts_down(emulator: EmulatorProcess) -> None:
    emulator.fault("status", status=500, path="/compatible/v1/models", times=2)

    assert ask(emulator).response.status_code == 200
    seen = [call(emulator, "GET", "/compatible/v1/models")[0] for _ in range(3)]
    assert seen == [500, 500, 200]
