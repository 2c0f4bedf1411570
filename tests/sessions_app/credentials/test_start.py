"""A start with the wrong keys is refused; one with the right keys is not."""

import io

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from sessions_app import checks
from sessions_app.models import EncryptionCanary
from sessions_app.sealing import crypto, key_files

pytestmark = pytest.mark.django_db


def check():
    call_command("check", database=["default"], stderr=io.StringIO())


def found():
    return checks.keys_fit_the_database(databases=["default"])


def test_migrating_leaves_a_canary_that_the_keys_can_read():
    assert EncryptionCanary.objects.count() == 1
    crypto.verify_canary()
    assert found() == []


def test_a_wrong_key_is_an_error_that_names_its_id_and_what_to_do(settings):
    planted = EncryptionCanary.objects.get().token.split(":")[1]
    settings.MAESTRO_ENCRYPTION_KEYS = [key_files.new_key()]

    (error,) = found()
    assert error.id == "sessions_app.E001"
    assert planted in error.msg
    assert "backup" in error.hint
    with pytest.raises(crypto.UnknownKey):
        crypto.verify_canary()
    with pytest.raises(SystemCheckError, match=r"sessions_app\.E001"):
        check()


def test_a_lost_key_file_is_an_error_and_no_new_key_is_made(settings, tmp_path):
    settings.MAESTRO_ENCRYPTION_KEYS = []
    settings.MAESTRO_KEY_FILE = tmp_path / "encryption.keys"

    assert len(found()) == 1
    assert not crypto.plant_canary()
    assert not settings.MAESTRO_KEY_FILE.exists()


def test_an_altered_canary_is_an_error():
    EncryptionCanary.objects.update(token="m1:00000000:AAAA")
    assert len(found()) == 1


def test_a_newer_key_in_front_of_the_old_one_is_fine(settings):
    settings.MAESTRO_ENCRYPTION_KEYS = [old := key_files.new_key()]
    EncryptionCanary.objects.all().delete()
    crypto.plant_canary()
    settings.MAESTRO_ENCRYPTION_KEYS = [key_files.new_key(), old]

    assert found() == []


def test_a_database_without_secrets_has_nothing_to_refuse():
    EncryptionCanary.objects.all().delete()
    assert found() == []
    crypto.verify_canary()


def test_the_first_canary_brings_its_key_file(settings, tmp_path):
    settings.MAESTRO_ENCRYPTION_KEYS = []
    settings.MAESTRO_KEY_FILE = tmp_path / "keys" / "encryption.keys"
    EncryptionCanary.objects.all().delete()

    assert crypto.plant_canary()
    assert settings.MAESTRO_KEY_FILE.stat().st_mode & 0o777 == 0o600
    assert found() == []


@pytest.mark.parametrize(("mode", "count"), [(0o600, 0), (0o640, 1), (0o644, 1)])
def test_a_key_file_that_others_can_read_is_a_warning(settings, tmp_path, mode, count):
    settings.MAESTRO_ENCRYPTION_KEYS = []
    settings.MAESTRO_KEY_FILE = path = tmp_path / "encryption.keys"
    assert checks.key_file_is_private() == []
    crypto.ensure_key_file(path)
    path.chmod(mode)

    assert len(checks.key_file_is_private()) == count
