"""Keys change while people work: nothing fails, nothing is lost, nothing is dropped early."""

import json
import os
import signal
from uuid import uuid4

import pytest

from sessions_app.sealing import key_files
from tests.operations.installation import until, whatever_the_database

pytestmark = pytest.mark.timeout(300)

# A hundred thousand in the whole proof.
ROWS = 100_000 if os.environ.get("MAESTRO_PROOF_RUNS") else 15_000
SECRETS = (
    "SELECT count(*) FROM sessions_app_savedauthentication WHERE secrets LIKE '{}'"
)


def keys_of(installation):
    return [
        key_files.parse_key(key).id for key in key_files.read_lines(installation.keys)
    ]


def under(installation, key):
    return installation.sql(SECRETS.format(f"m1:{key}:%"))[0][0]


def settle(installation):
    """As if the last change of keys were a minute old: nobody can be storing any more."""
    found = installation.keys.stat()
    os.utime(installation.keys, (found.st_atime, found.st_mtime - 60))


def test_many_secrets_change_keys_under_live_traffic(installation, tmp_path):
    """R-11: killed in the middle, gone on with, the old key removed; nobody notices."""
    installation.job("fill_many", str(ROWS))
    (old,) = keys_of(installation)
    stop = tmp_path / "stop"
    user = installation.start("-m", "tests.operations.jobs", "use", stop)
    assert user.stderr.readline()  # it has begun

    killed = installation.start("manage.py", "rotate_keys", "--new-key", "--quiet")
    until(lambda: len(keys_of(installation)) == 2)
    new = keys_of(installation)[0]
    until(lambda: under(installation, new) > ROWS // 10)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    begun = under(installation, new)
    assert begun < ROWS + 20

    done = installation.report("rotate_keys")
    assert done["key"] == new
    assert done["unreadable"] == 0
    assert 0 < done["changed"] <= ROWS + 20 - begun + 5000  # and what is used meanwhile
    settle(installation)
    dropped = installation.report("rotate_keys", "--drop-old")
    assert (dropped["dropped"], dropped["kept"]) == ([old], {})
    stop.touch()
    out, err = user.communicate(timeout=60)

    used = json.loads(out)
    assert used["failed"] == [], err
    assert used["operations"] > 100
    assert keys_of(installation) == [new]
    assert under(installation, new) == ROWS + 20
    assert json.loads(installation.job("readable")) == {"good": ROWS + 20, "marked": 0}
    assert installation.report("rotate_keys")["changed"] == 0


@whatever_the_database
def test_a_key_that_something_still_needs_is_kept(installation):
    """A renewed login on its way to the database, and a value that cannot be read."""
    (old,) = keys_of(installation)
    held = str(uuid4())
    installation.job("hold", held)
    new = installation.report("rotate_keys", "--new-key", code=3)["key"]
    settle(installation)

    kept = installation.report("rotate_keys", "--drop-old", code=3)
    assert (kept["dropped"], kept["kept"]) == ([], {old: 2})
    assert keys_of(installation) == [new, old]

    installation.job("let_go", held)
    dropped = installation.report("rotate_keys", "--drop-old")
    assert dropped["dropped"] == [old]
    assert json.loads(installation.job("readable")) == {"good": 20, "marked": 0}


@whatever_the_database
def test_keys_that_a_variable_brings_are_the_operators_to_change(installation):
    (key,) = key_files.read_lines(installation.keys)
    installation.environment["MAESTRO_ENCRYPTION_KEYS"] = key
    for option in ("--new-key", "--drop-old"):
        refused = installation.manage("rotate_keys", option, code=1)
        assert "MAESTRO_ENCRYPTION_KEYS" in refused
    fresh = key_files.new_key()
    installation.environment["MAESTRO_ENCRYPTION_KEYS"] = f"{fresh},{key}"
    done = installation.report("rotate_keys")
    assert (done["key"], done["changed"]) == (key_files.parse_key(fresh).id, 21)
    status = installation.report("rotate_keys", "--status")
    assert status["in_use"]["credentials"] == {done["key"]: 20}
