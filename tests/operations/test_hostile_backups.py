"""A backup that was damaged, altered or made by somebody else is never put back."""

import json
import shutil
import stat
import zipfile

import pytest

from tests.operations.installation import whatever_the_database

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def backup(filled, tmp_path_factory):
    """One good backup, for all tests here to spoil copies of."""
    path = tmp_path_factory.mktemp("backup") / "good.backup"
    filled.report("backup", "--to", path)
    return path


@whatever_the_database
def test_a_flipped_bit_or_a_cut_is_found_wherever_it_is(filled, backup, tmp_path):
    found = json.loads(filled.job("damage", backup, tmp_path))
    assert found["tried"] > 200
    # Some bits of a packed file mean the same either way: those lose nothing.
    assert found["lost"] == []


def with_entry(backup, path, name, mode=stat.S_IFREG | 0o600, content=b"evil"):
    """The backup and one more entry in it."""
    shutil.copy(backup, path)
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, content)
    return path


STRANGE = {
    "climbs": ("../outside", stat.S_IFREG | 0o600),
    "climbs inside a known folder": ("tables/../../outside", stat.S_IFREG | 0o600),
    "absolute": ("/tmp/outside", stat.S_IFREG | 0o600),
    "of another system": ("..\\outside", stat.S_IFREG | 0o600),
    "a link": ("tables/link", stat.S_IFLNK | 0o777),
    "a link with a known name": ("tables/auth_user_x", stat.S_IFLNK | 0o777),
    "a device": ("tables/device", stat.S_IFBLK | 0o600),
    "a folder": ("tables/", stat.S_IFDIR | 0o700),
    "a table that the manifest lacks": ("tables/auth_user_x", stat.S_IFREG | 0o600),
    "anything else": ("readme.txt", stat.S_IFREG | 0o600),
}


@whatever_the_database
def test_what_none_of_our_backups_holds_is_refused_and_nothing_is_written(
    filled, backup, tmp_path
):
    """F39: zip slip, absolute paths, links, folders, devices, strangers."""
    before = set(filled.data.rglob("*"))
    spoilt = tmp_path / "spoilt"
    spoilt.mkdir()
    paths = [
        with_entry(backup, spoilt / f"{number}.backup", name, mode, b"/etc/passwd")
        for number, (name, mode) in enumerate(STRANGE.values())
    ]
    verdicts = json.loads(filled.job("verdicts", backup, *paths))
    assert verdicts.pop(0) == ""  # the one that nobody spoilt
    for what, verdict in zip(STRANGE, verdicts, strict=True):
        assert "none of our backups" in verdict or "its manifest" in verdict, what
    refused = filled.manage("restore", paths[0], "--yes", code=3)
    assert "'../outside'" in refused
    assert not list(tmp_path.rglob("*outside*"))
    assert set(filled.data.rglob("*")) - before <= {filled.data / "maestro.pid"}


def rewritten(backup, path, change):
    """The backup with other contents: `change` gets name → bytes."""
    with zipfile.ZipFile(backup) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def change_date(parts):
    manifest = json.loads(parts["manifest.json"])
    manifest["made_at"] = "2020-01-01T00:00:00+00:00"
    parts["manifest.json"] = json.dumps(manifest).encode()


def pretend_another_key(parts):
    change_date(parts)
    parts["manifest.seal"] = b'{"key_id": "00000000", "hmac": "00"}'


def grow(parts):
    name = next(name for name in parts if not name.startswith("manifest"))
    parts[name] += b"0" * 50_000_000


CHANGES = {
    "altered": change_date,
    "a change would go unnoticed": pretend_another_key,
    "larger than the backup says": grow,
    "no manifest.seal": lambda parts: parts.pop("manifest.seal"),
    "no manifest.json": lambda parts: parts.pop("manifest.json"),
}


@whatever_the_database
def test_whoever_changes_it_cannot_seal_it_again(filled, backup, tmp_path):
    paths = [
        rewritten(backup, tmp_path / f"{number}.backup", change)
        for number, change in enumerate(CHANGES.values())
    ]
    verdicts = json.loads(filled.job("verdicts", *paths))
    for words, verdict in zip(CHANGES, verdicts, strict=True):
        assert words in verdict


@whatever_the_database
def test_verifying_says_so_by_its_exit_code(filled, backup, tmp_path):
    good = filled.report("verify_backup", backup)
    assert good["is_good"]
    assert good["readable"] == 21
    path = tmp_path / "cut.backup"
    path.write_bytes(backup.read_bytes()[:-2000])
    assert "cut off" in filled.manage("verify_backup", path, code=3)
    assert "cannot be read" in filled.manage("verify_backup", tmp_path / "none", code=1)
