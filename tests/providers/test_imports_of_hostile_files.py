"""Uploaded credential files that lie, and that no secret of them shows anywhere."""

import json
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.errors import ConfigurationError
from providers.imports import MAX_BYTES, read_upload, understood
from tests.providers.import_files import (
    ACCESS,
    AUTH,
    ENDS,
    ENDS_ISO,
    ID_TOKEN,
    adc,
    claude_code,
    codex,
    cpa_codex,
    gemini_cli,
    jwt,
    llxprt,
    opencode,
    profile_config,
    profile_tokens,
    read,
    read_one,
)

# Files that lie

WRONG = [
    7,
    1.5,
    True,
    [],
    {},
    ["x"],
    {"a": "b"},
    "two words",
    "a\r\nX-Evil: 1",
    "ä\x00",
]


@pytest.mark.parametrize("value", [*WRONG, "x" * 9_000])
@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda v: codex(tokens={"access_token": v}), "access_token"),
        (lambda v: codex(tokens={"refresh_token": v}), "refresh_token"),
        (lambda v: codex(tokens={"account_id": v}), "account_id"),
        (lambda v: cpa_codex(account_id=v), "account_id"),
        (lambda v: cpa_codex(email=v), "email"),
        (lambda v: {"openrouter": {"type": "api", "key": v}}, "key"),
        (lambda v: {"OPENAI_API_KEY": v}, "OPENAI_API_KEY"),
        (lambda v: profile_config() | profile_tokens(access_token=v), "access_token"),
        (lambda v: profile_config(workspace_id=v) | profile_tokens(), "workspace_id"),
        (lambda v: adc(client_secret=v), "client_secret"),
        (lambda v: adc(client_id=v), "client_id"),
        (lambda v: adc(quota_project_id=v), "quota_project_id"),
    ],
)
def test_a_field_that_is_no_single_word_refuses_its_entry(make, field, value):
    offer = read_one(make(value))
    assert offer.credential is None
    assert f"“{field}”" in offer.refusal
    assert "Evil" not in str(offer)


@pytest.mark.parametrize("value", [[], "text", 7, True])
def test_tokens_that_are_no_object_are_refused(value):
    offer = read_one({"OPENAI_API_KEY": None, "tokens": value})
    assert offer.credential is None
    assert "“tokens”" in offer.refusal


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "2030-03-17",
        "2030-03-17T17:46:40",
        "0001-01-01T00:00:00+14:00",
        -1,
        10**18,
        10**400,
        True,
        [],
        {},
    ],
)
def test_a_time_that_is_none_refuses_its_entry(value):
    offer = read_one(cpa_codex(expired=value))
    assert offer.credential is None
    assert "“expired”" in offer.refusal


@pytest.mark.parametrize(
    "value", [ENDS, float(ENDS), ENDS * 1000, ENDS_ISO, "2030-03-17T17:46:40Z"]
)
def test_times_are_understood_as_programs_write_them(value):
    assert read_one(cpa_codex(expired=value)).credential.expires_at == ENDS_ISO


@pytest.mark.parametrize("value", [None, "", 0])
def test_a_time_that_is_not_known_is_left_out(value):
    assert read_one(cpa_codex(expired=value)).credential.expires_at is None


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1e308, "iat": -1e308},
        {"exp": 10**30, "iat": 0},
        {"exp": "tomorrow"},
        {"exp": -5, "iat": [], AUTH: [], "email": {"a": 1}},
        {AUTH: {"chatgpt_plan_type": ["plus"], "organizations": [7, {"id": 7}]}},
        {"email": "a\r\nX-Evil: 1", AUTH: {"chatgpt_account_id": "x y"}},
    ],
)
def test_claims_that_lie_about_their_types_are_left_out(claims):
    token = jwt(**claims)
    offer = read_one(codex(tokens={"id_token": token, "access_token": token}))
    assert offer.credential.expires_at is None
    assert offer.credential.metadata["account_id"] == "acc-test"
    assert set(offer.credential.metadata) <= {
        "kind", "mode", "mode_choice", "account_id", "lifetime_s"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (b"sk-test-secret-key", "not JSON"),
        (b'{"a": "sk-test-secret-key"', "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b'["sk-test-secret-key"]', "no JSON object"),
        (b'"sk-test-secret-key"', "no JSON object"),
        (b"null", "no JSON object"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "not JSON|nested"),
        (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", "nested"),
        (b'{"sk-test-secret-key": 1}' + b" " * MAX_BYTES, "more than 256 KiB"),
        (b"{}", "not a credential file"),
        (b'{"sk-test-secret-key": "sk-test-secret-key"}', "not a credential file"),
    ],
)
def test_a_file_that_is_none_is_refused_with_what_to_do(content, advice):
    with pytest.raises(ConfigurationError, match=advice) as caught:
        read_upload("sk-test-secret-name.json", content)
    assert "sk-test-secret" not in repr(caught.value) + caught.value.message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_companion_is_read_as_carefully_as_the_file():
    with pytest.raises(ConfigurationError, match="not JSON"):
        read_upload("p.json", json.dumps(profile_config()).encode(), b"[")


def test_two_files_that_do_not_belong_together_are_refused():
    with pytest.raises(ConfigurationError, match="do not belong together"):
        read(codex(), "auth.json", codex())


def test_a_file_that_an_editor_marked_as_utf8_is_read():
    content = b"\xef\xbb\xbf" + json.dumps(codex()).encode()
    assert read_upload("auth.json", content)[0].credential is not None


def test_an_unknown_file_is_answered_with_the_list_of_known_ones():
    with pytest.raises(ConfigurationError) as caught:
        read({"hello": "world"})
    for file in understood():
        assert file in caught.value.message
    assert len(understood()) >= 6


SHAPES = [
    codex(OPENAI_API_KEY="sk-test-codex"),
    cpa_codex(),
    opencode(),
    llxprt(),
    claude_code(),
    profile_config() | profile_tokens(),
    adc(),
    gemini_cli(),
]
SECRETS = [
    "sk-test-codex",
    ID_TOKEN,
    ACCESS,
    "rt-test",
    "at-test",
    "AQ.test",
    "sk-or-test",
    "sk-test-unknown",
    "some-unknown-vendor",
    "sk-ant-o",
    "GOCSPX",
    "1//test",
    "ya29.test",
]


@pytest.mark.parametrize("document", SHAPES)
@pytest.mark.parametrize("name", ["auth.json", "codex.json", "anthropic.json"])
def test_no_secret_shows_in_what_is_offered(document, name):
    try:
        offers = read(document, name)
    except ConfigurationError as exc:
        shown = repr(exc) + exc.message
    else:
        assert offers
        shown = repr(offers) + "".join(map(str, offers))
        for offer in offers:
            plain = msgspec.structs.asdict(offer) | {"credential": None}
            shown += repr(plain)
            if offer.credential:
                shown += repr(offer.credential.metadata)
    assert not [secret for secret in SECRETS if secret in shown]


@settings(deadline=None)
@given(st.binary(max_size=400), st.none() | st.binary(max_size=50))
def test_any_bytes_are_read_or_refused_in_words(content, companion):
    try:
        offers = read_upload("auth.json", content, companion)
    except ConfigurationError as exc:
        assert exc.message
    else:
        assert offers


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def paths(document, prefix=()):
    """Every place in a document, as keys from the top."""
    for key, value in document.items():
        yield (*prefix, key)
        if isinstance(value, dict):
            yield from paths(value, (*prefix, key))


def with_value(document, path, value):
    key, *rest = path
    return document | {key: with_value(document[key], rest, value) if rest else value}


@settings(deadline=None)
@given(st.data(), st.sampled_from(SHAPES), anything)
def test_a_file_with_any_one_value_changed_ends_in_offers_or_words(data, shape, value):
    path = data.draw(st.sampled_from(list(paths(shape))))
    name = data.draw(st.sampled_from(["auth.json", "codex.json", "gemini.json"]))
    try:
        offers = read(with_value(shape, path, value), name)
    except ConfigurationError as exc:
        assert exc.message
        return
    for offer in offers:
        assert (offer.credential is None) == bool(offer.refusal)
        if offer.credential is None:
            continue
        words = [s.reveal() for s in offer.credential.secrets.values()]
        words += [v for k, v in offer.credential.metadata.items() if k != "plan"]
        assert all(word and all(33 <= ord(c) <= 126 for c in word) for word in words)
        if offer.credential.expires_at:
            ends = datetime.fromisoformat(offer.credential.expires_at)
            assert ends.utcoffset() == timedelta(0)
