"""Encryption: what does not fit is an error, never a value."""

import os
import stat
import threading
from uuid import uuid4

import pytest

from sessions_app.sealing import crypto, key_files


@pytest.fixture
def keys(settings):
    settings.MAESTRO_ENCRYPTION_KEYS = [key_files.new_key(), key_files.new_key()]
    return settings.MAESTRO_ENCRYPTION_KEYS


def test_what_was_encrypted_comes_back(keys):
    token = crypto.encrypt({"api_key": "sk-ü"}, "row|1")

    assert crypto.decrypt(token, "row|1") == {"api_key": "sk-ü"}
    assert token.startswith(f"m1:{key_files.parse_key(keys[0]).id}:")
    assert "sk-" not in token


def test_the_same_value_never_looks_the_same(keys):
    assert crypto.encrypt("x", "row") != crypto.encrypt("x", "row")


def test_the_newest_key_encrypts_and_all_decrypt(settings, keys):
    old = crypto.encrypt("old", "row")
    settings.MAESTRO_ENCRYPTION_KEYS = [newest := key_files.new_key(), *keys]

    assert crypto.decrypt(old, "row") == "old"
    assert crypto.encrypt("new", "row").split(":")[1] == key_files.parse_key(newest).id


def test_another_key_is_named_by_its_id_only(settings, keys):
    token = crypto.encrypt("secret", "row")
    settings.MAESTRO_ENCRYPTION_KEYS = [key_files.new_key()]

    with pytest.raises(crypto.UnknownKey) as caught:
        crypto.decrypt(token, "row")
    assert caught.value.key_id == key_files.parse_key(keys[0]).id
    assert keys[0] not in str(caught.value)


def test_a_value_of_another_row_does_not_decrypt(keys):
    token = crypto.encrypt("secret", crypto.secrets_context(uuid4()))

    with pytest.raises(crypto.Altered):
        crypto.decrypt(token, crypto.secrets_context(uuid4()))


def test_no_changed_character_goes_unnoticed(keys):
    token = crypto.encrypt({"api_key": "k"}, "row")
    start = token.rindex(":") + 1
    for place in range(start, len(token)):
        other = "A" if token[place] != "A" else "B"
        changed = token[:place] + other + token[place + 1 :]
        if crypto_body(changed) == crypto_body(token):
            continue  # the last character's spare bits mean nothing
        with pytest.raises(crypto.Altered):
            crypto.decrypt(changed, "row")


def crypto_body(token):
    import base64

    return base64.urlsafe_b64decode(token.rpartition(":")[2])


@pytest.mark.parametrize(
    "token", ["", "sk-plain", "m1:", "m1::", "m2:00000000:AAAA", "m1:x:\N{SNOWMAN}"]
)
def test_what_is_not_a_token_is_an_error_and_not_the_value(keys, token):
    with pytest.raises(crypto.CryptoError):
        crypto.decrypt(token, "row")


def test_the_key_id_of_a_row_is_bound_too(keys):
    token = crypto.encrypt("secret", "row")
    other_id = key_files.parse_key(keys[1]).id
    version, _, body = token.split(":")

    with pytest.raises(crypto.Altered):
        crypto.decrypt(f"{version}:{other_id}:{body}", "row")


@pytest.mark.parametrize("given", ["short", "", "!" * 44, "ü" * 43])
def test_it_refuses_a_malformed_key_without_repeating_it(settings, given):
    settings.MAESTRO_ENCRYPTION_KEYS = [given]

    with pytest.raises(crypto.KeysMissing) as caught:
        crypto.encrypt("x", "row")
    assert not given or given not in str(caught.value)


def test_keys_come_from_the_file_and_follow_it(settings, tmp_path):
    settings.MAESTRO_ENCRYPTION_KEYS = []
    settings.MAESTRO_KEY_FILE = tmp_path / "keys" / "encryption.keys"
    with pytest.raises(crypto.KeysMissing):
        crypto.encrypt("x", "row")

    assert crypto.ensure_key_file(settings.MAESTRO_KEY_FILE)
    token = crypto.encrypt("x", "row")
    old = settings.MAESTRO_KEY_FILE.read_text()
    settings.MAESTRO_KEY_FILE.write_text(f"# new\n{key_files.new_key()}\n{old}")

    assert crypto.decrypt(token, "row") == "x"
    assert len(crypto.keyring().ids) == 2


def test_the_key_file_is_private_and_made_once(tmp_path):
    path = tmp_path / "keys" / "encryption.keys"
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(crypto.ensure_key_file(path)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert made.count(True) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == [path.name]


def test_a_key_does_not_show_itself():
    key = key_files.parse_key(key_files.new_key())

    assert repr(key) == "Key()"
