"""Masking of what looks like a secret, and of nothing else."""

import pytest

from providers.http.redact import redact, without


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijklmnop",
        "sk-ant-api03-abc_def-ghi",
        "sk-ant-oat01-abcdefgh",
        "AIzaSyA1234567890abcdef",
        "AQ.Ab8RN6abcdefgh",
        "ya29.a0AfH6SMabc",
        "1//0gabcdefgh-ijk",
        "gsk_abcdefghijklmnop",
        "xai-abcdefghijklmnop",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    ],
)
@pytest.mark.parametrize(
    "frame", ["{}", "Incorrect API key provided: {}.", '{{"k": "{}"}}', "a {} b"]
)
def test_a_secret_is_masked_in_any_sentence(secret, frame):
    text = redact(frame.format(secret))
    assert secret not in text
    assert secret[-8:] not in text
    assert "[redacted]" in text


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("GET /v1?key=abc123def&x=1", "abc123def"),
        ('{"api_key": "plain0secret"}', "plain0secret"),
        ("refresh_token=r0-1234567", "r0-1234567"),
        ("http://user:hunter22@proxy:3128", "hunter22"),
        ("Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    ],
)
def test_a_named_secret_is_masked(text, hidden):
    assert hidden not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "The model `llama-3.3-70b-versatile` does not exist",
        "Your input exceeds the context window of this model.",
        "risk-averse task-management desk-top sk-1",
        "Rate limit reached in organization org-REDACTED on tokens per min.",
        "Invalid key: missing",
        "Your api key: ****-key is invalid",
        "run.finished",
        "https://platform.openai.com/account/api-keys",
    ],
)
def test_plain_words_are_left_alone(text):
    assert redact(text) == text


def test_a_long_text_is_cut_after_masking():
    text = redact("x" * 90 + " sk-proj-" + "a" * 100, limit=100)
    assert len(text) <= 100
    assert "aaaa" not in text


@pytest.mark.parametrize("written", ["zebra+7/Q", "zebra%2B7%2FQ"])
def test_this_very_secret_is_masked_whatever_it_looks_like(written):
    assert without(f"no: {written}!", ["zebra+7/Q"]) == "no: [redacted]!"


def test_a_secret_that_is_hardly_one_does_not_eat_the_text():
    assert without("none of us is anonymous", ["none", ""]) == "none of us is anonymous"
