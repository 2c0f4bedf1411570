"""A backup of a living installation comes back whole, or not at all."""

import contextlib
import json
import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from tests.operations.installation import CANARY, until, whatever_the_database

pytestmark = pytest.mark.timeout(240)


def saved(installation, folder):
    """A backup, and its keys in another place."""
    folder.mkdir(exist_ok=True)
    (folder / "safe").mkdir()
    backup, keys = folder / "one.backup", folder / "safe" / "keys.json"
    installation.report("backup", "--to", backup, "--keys-to", keys)
    return backup, keys


def test_it_comes_back_elsewhere_with_its_keys(installation, new, tmp_path):
    before = installation.fingerprint()
    backup, keys = saved(installation, tmp_path / "out")
    other = new("two")

    done = other.report("restore", backup, "--keys-from", keys, "--yes")

    assert other.fingerprint() == before
    assert done["marked_unreadable"] == 0
    assert done["kept"]
    other.manage("prepare")
    assert json.loads(other.job("readable")) == {"good": 20, "marked": 0}
    other.job("fill", "3", "bob")  # numbers go on behind the restored ones


def test_it_holds_one_moment_of_a_database_that_others_write_to(
    installation, new, tmp_path
):
    stop = tmp_path / "stop"
    writer = installation.start("-m", "tests.operations.jobs", "write", stop)
    count = "SELECT count(*) FROM sessions_app_installationfact"
    until(lambda: installation.sql(count)[0][0] > 50)

    backup, keys = saved(installation, tmp_path / "out")
    stop.touch()
    out, err = writer.communicate(timeout=60)
    assert writer.returncode == 0, err

    other = new("two")
    other.manage("restore", backup, "--keys-from", keys, "--yes")
    names = {
        name for (name,) in other.sql("SELECT name FROM sessions_app_installationfact")
    }
    left = {n.removeprefix("left-") for n in names if n.startswith("left-")}
    right = {n.removeprefix("right-") for n in names if n.startswith("right-")}
    assert left == right == {str(number) for number in range(len(left))}
    assert 20 < len(left) <= int(out)


def test_without_the_keys_it_is_refused_or_the_credentials_are_marked(
    installation, new, tmp_path
):
    backup, _ = saved(installation, tmp_path / "out")
    other = new("two")
    before = other.fingerprint()

    refused = other.manage("restore", backup, "--yes", code=3)
    assert "--keys-from" in refused
    assert other.fingerprint() == before

    done = other.report("restore", backup, "--without-keys", "--yes")
    assert done["marked_unreadable"] == 20
    other.manage("prepare")
    assert json.loads(other.job("readable")) == {"good": 0, "marked": 20}
    titles = "SELECT title FROM sessions_app_conversation"
    assert other.sql(titles) == installation.sql(titles)


def test_a_database_with_unreadable_rows_is_saved_and_put_back_all_the_same(
    installation, tmp_path
):
    """Whoever lost a key needs backups more than others."""
    installation.sql(
        "UPDATE sessions_app_savedauthentication SET secrets = 'm1:00000000:AAAA' "
        "WHERE name = 'alice3'"
    )
    installation.sql(
        "UPDATE sessions_app_savedauthentication "
        "SET secrets = substr(secrets, 1, 20) || 'AAAA' WHERE name = 'alice4'"
    )
    backup = tmp_path / "one.backup"
    before = installation.fingerprint()
    saved = installation.report("backup", "--to", backup)
    assert (saved["is_good"], saved["readable"], saved["unreadable"]) == (True, 19, 2)
    assert "00000000" in saved["warnings"][0]
    assert "--without-keys" in installation.manage("restore", backup, "--yes", code=3)
    installation.manage("restore", backup, "--yes", "--without-keys")
    after = installation.fingerprint()
    changed = {table for table in before if before[table] != after[table]}
    assert changed == {"sessions_app_savedauthentication"}  # one is marked


@whatever_the_database
def test_no_secret_and_no_key_is_in_it(installation, tmp_path):
    backup, keys = saved(installation, tmp_path / "out")
    document = json.loads(keys.read_text())
    forbidden = [CANARY, document["secret_key"], *document["encryption_keys"]]
    with zipfile.ZipFile(backup) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert b"m1:" in content
    assert not [text for text in forbidden if text.encode() in content]
    for path in (backup, keys):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@whatever_the_database
def test_keys_are_not_put_beside_the_backup_and_nothing_is_overwritten(
    installation, tmp_path
):
    backup = tmp_path / "one.backup"
    beside = installation.manage(
        "backup", "--to", backup, "--keys-to", tmp_path / "k", code=1
    )
    assert "beside" in beside
    assert not backup.exists()
    backup.write_text("precious")
    assert "there already" in installation.manage("backup", "--to", backup, code=1)
    assert backup.read_text() == "precious"


def dated(backup, folder, *days):
    """Copies under the names that a backup gets by itself."""
    return [
        shutil.copy(backup, folder / f"maestro-202601{day:02}T000000Z.backup")
        for day in days
    ]


@whatever_the_database
def test_only_the_newest_backups_are_kept_and_strangers_are_left_alone(
    installation, new, tmp_path
):
    """Not counted either: what another installation saved here is no backup of ours."""
    folder = tmp_path / "shared"
    folder.mkdir()
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    installation.manage("backup", "--to", ours)
    new("two").manage("backup", "--to", theirs)
    first, second, third = dated(ours, folder, 1, 2, 3)
    strangers = [*dated(theirs, folder, 4, 5, 6), folder / "notes.backup"]
    strangers[-1].touch()
    broken = folder / "maestro-20260107T000000Z.backup"
    broken.write_bytes(ours.read_bytes()[:-100])

    done = installation.report("backup", "--to", folder, "--keep", "2")

    assert done["removed"] == [first.name, second.name]
    assert set(folder.iterdir()) == {
        third, *strangers, broken, Path(done["path"]),
    }  # fmt: skip


@whatever_the_database
def test_the_backup_made_just_now_stays_where_the_clock_was_ahead_before(
    installation, tmp_path
):
    folder, made = tmp_path / "kept", tmp_path / "made"
    folder.mkdir()
    installation.manage("backup", "--to", made)
    (older,) = dated(made, folder, 1)
    ahead = folder / "maestro-20990101T000000Z.backup"
    ahead.write_bytes(made.read_bytes())

    done = installation.report("backup", "--to", folder, "--keep", "1")

    assert set(folder.iterdir()) == {Path(done["path"])}
    assert done["removed"] == [older.name, ahead.name]


@whatever_the_database
def test_a_restore_that_is_refused_leaves_the_signing_key(installation, new, tmp_path):
    backup, keys = saved(installation, tmp_path / "out")
    other = new("two")
    other.manage("prepare")
    backup.write_bytes(backup.read_bytes()[:-100])
    before = (other.data / "keys" / "secret.key").read_text()

    other.manage("restore", backup, "--keys-from", keys, "--yes", code=3)

    assert (other.data / "keys" / "secret.key").read_text() == before


@whatever_the_database
def test_backups_of_before_their_maker_was_written_count_by_their_seal(
    installation, new, tmp_path
):
    unnamed, theirs = tmp_path / "unnamed", tmp_path / "theirs"
    for each, path in ((installation, unnamed), (new("two"), theirs)):
        each.sql("DELETE FROM sessions_app_installationfact WHERE name = 'host_id'")
        each.manage("backup", "--to", path)
    folder = tmp_path / "shared"
    folder.mkdir()
    (old,) = dated(unnamed, folder, 1)
    (foreign,) = dated(theirs, folder, 2)
    installation.manage("prepare")

    done = installation.report("backup", "--to", folder, "--keep", "1")

    assert done["removed"] == [old.name]
    assert foreign.exists()


def test_it_is_refused_while_something_runs(installation, kind, tmp_path):
    before = installation.fingerprint()
    backup, _ = saved(installation, tmp_path / "out")
    stop = tmp_path / "stop"
    user = installation.start("-m", "tests.operations.jobs", "use", stop)
    assert user.stderr.readline()  # it has begun
    refused = installation.manage("restore", backup, "--yes", code=78)
    stop.touch()
    user.communicate(timeout=30)
    assert "open" in refused
    assert set(installation.tables()) == set(before)
    assert installation.sql(
        "SELECT count(*) FROM sessions_app_savedauthentication"
    ) == [(20,)]
    installation.manage("restore", backup, "--yes")
    assert installation.fingerprint() == before


@whatever_the_database
def test_a_newer_versions_backup_is_refused(installation, tmp_path):
    installation.sql(
        "INSERT INTO django_migrations (app, name, applied) "
        "VALUES ('sessions_app', '9999_tomorrow', '2027-01-01')"
    )
    backup, _ = saved_despite(installation, tmp_path)
    verdict = installation.report("verify_backup", backup, code=3)
    assert "9999_tomorrow" in " ".join(verdict["problems"])
    refused = installation.manage("restore", backup, "--yes", code=78)
    assert "newer than this version" in refused
    assert "newer than this version" in installation.manage("prepare", code=78)


def saved_despite(installation, folder):
    """An older version does not call a newer database's backup good; a newer one did."""
    installation.sql("DELETE FROM django_migrations WHERE name = '9999_tomorrow'")
    code = (
        "from maestro.operations import facts, backups\n"
        "from pathlib import Path\n"
        "from django.db import connection\n"
        "from django.db.migrations.recorder import MigrationRecorder\n"
        "MigrationRecorder(connection).record_applied('sessions_app', '9999_tomorrow')\n"
        "facts.unknown = lambda migrations: []\n"
        f"backups.make_backup(Path({str(folder / 'new.backup')!r}), lambda *a: None)\n"
    )
    installation.manage("shell", "-v0", "-c", code)
    return folder / "new.backup", None


def test_the_database_of_before_is_kept_whole(installation, kind, tmp_path):
    backup, _ = saved(installation, tmp_path / "out")
    installation.job("fill", "7", "bob")
    done = installation.report("restore", backup, "--yes")
    count = "SELECT count(*) FROM {}sessions_app_savedauthentication"
    assert installation.sql(count.format("")) == [(20,)]
    if kind == "postgresql":
        schema = done["kept"].removeprefix("schema ")
        assert installation.sql(count.format(f"{schema}.")) == [(27,)]
    else:
        import sqlite3

        with contextlib.closing(sqlite3.connect(done["kept"])) as connection:
            assert connection.execute(count.format("")).fetchone() == (27,)
