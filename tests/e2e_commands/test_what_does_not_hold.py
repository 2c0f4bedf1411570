"""Each claim that does not hold ends the command with 3, and is named."""

from __future__ import annotations

import pytest

from maestro.proof import checks
from maestro.proof.asking import Answer
from maestro.proof.verdicts import Broken
from providers.accumulate import Accumulator
from providers.events import Finished, TextDelta, Usage
from sessions_app.models import PendingLogin, SavedAuthentication

LONG = "A FastAPI application for Stripe handles every error. " * 4


@pytest.mark.parametrize(
    ("script", "failed"),
    [
        ({"text": LONG, "stop": "length"}, ["whole"]),
        (
            {"text": "I can't help with that.", "stop": "refusal"},
            ["answer", "whole", "length", "words"],
        ),
        ({"text": "FastAPI, Stripe, error"}, ["length"]),
        ({"text": "I would not. " * 20}, ["words"]),
        ({"text": ""}, ["answer", "length", "words"]),
    ],
)
def test_an_answer_that_is_not_good_enough(paced, prove, script, failed):
    paced.script(**script)
    proved = prove("openai", "api_key")
    assert proved.code == 3
    assert proved.failed == failed
    for name in failed:
        assert name in proved.err
    assert not proved.document["ok"]


def test_an_answer_that_breaks_off(paced, prove):
    paced.fault("error", message="We had a problem.", path="/v1/messages")
    proved = prove("anthropic", "api_key")
    assert proved.code == 3
    assert {"ended", "whole"} <= set(proved.failed)


def test_an_answer_without_usage(paced, prove):
    paced.replay("no_usage")
    proved = prove("openai", "api_key")
    assert (proved.code, proved.failed) == (3, ["usage"])


def test_a_refused_key(paced, prove):
    paced.fault("status", status=401, times=20)
    proved = prove("openai", "api_key")
    assert (proved.code, proved.failed) == (3, ["sign_in"])
    assert not SavedAuthentication.objects.exists()


def test_a_login_that_the_person_declines(paced, prove):
    paced.oauth_config(deny="The person said no.")
    proved = prove("openai", "oauth")
    assert (proved.code, proved.failed) == (3, ["sign_in"])
    assert "declined" in proved.verdict("sign_in")["seen"]
    assert not PendingLogin.objects.exists()


def test_an_account_that_gets_no_key_in_the_second_exchange(paced, prove):
    paced.oauth_config(has_platform_org=False)
    proved = prove("openai", "oauth")
    assert (proved.code, proved.failed) == (3, ["api_key/mode"])
    skipped = {v["name"] for v in proved.document["paths"][0]["rounds"][1]["verdicts"]}
    assert {"models", "answer"} <= skipped


def test_a_model_list_that_does_not_come(paced, prove):
    paced.fault("status", status=500, path="/codex/models", times=20)
    proved = prove("openai", "oauth", "--mode", "chatgpt")
    assert "chatgpt/models" in proved.failed
    assert proved.verdict("answer")["result"] == "skipped"


def test_a_login_that_cannot_be_renewed(paced, prove):
    paced.oauth_config(refresh_dead=True)
    proved = prove("gemini", "oauth")
    assert (proved.code, proved.failed) == (3, ["refresh"])


def test_a_login_that_the_vendor_does_not_take_back(paced, prove):
    paced.fault("status", status=500, path="/oauth/revoke", times=20)
    proved = prove("openai", "oauth", "--mode", "chatgpt")
    assert (proved.code, proved.failed) == (3, ["cleaned"])
    assert not SavedAuthentication.objects.exists()


def heard(*texts: str, usage: Usage | None = None) -> Answer:
    found = Accumulator()
    for text in texts:
        found.add(TextDelta(text=text))
    if usage:
        found.add(usage)
    found.add(Finished(stop_reason="stop"))
    return Answer(heard=found)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        Usage(),
        Usage(input_tokens=0, output_tokens=5),
        Usage(input_tokens=5, output_tokens=0),
    ],
)
def test_tokens_must_be_counted_on_both_sides(usage):
    with pytest.raises(Broken, match="tokens in"):
        checks.counts_tokens(heard(LONG, usage=usage))


def test_events_that_are_not_what_the_parser_reads_are_noticed():
    answer = heard("Something else.")
    answer.wire = bytearray(
        b'data: {"type":"response.output_text.delta","item_id":"m","delta":"Hello"}\n\n'
        b'data: {"type":"response.completed","response":{"status":"completed"}}\n\n'
    )
    with pytest.raises(Broken, match="another text"):
        checks.came_through_the_parser(answer, "openai_responses")


def test_an_end_is_no_stop_and_no_cut():
    with pytest.raises(Broken, match="before it could be stopped"):
        checks.was_stopped(heard(LONG), within_s=5.0)
    with pytest.raises(Broken, match="no cut was noticed"):
        checks.broke_off(heard(LONG))
    with pytest.raises(Broken, match="not noticed"):
        checks.failed_before_it_began(heard())
