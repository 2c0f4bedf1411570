"""Settings of the test suite: the product's, with keys of its own and cheap hashes.

On SQLite and the in-memory layer; on PostgreSQL and Redis with MAESTRO_TEST_DATABASE_URL
(`postgres://postgres@127.0.0.1/maestro`: the tests make `test_maestro`) and
MAESTRO_TEST_REDIS_URL. `bin/test` does both.
"""

import os
import tempfile

os.environ.setdefault("MAESTRO_DATA", tempfile.mkdtemp(prefix="maestro-tests-"))
# Tests start products of their own, which take the settings that they are given.
_chosen = {
    name: os.environ.get(name.replace("MAESTRO_", "MAESTRO_TEST_"), "")
    for name in ("MAESTRO_DATABASE_URL", "MAESTRO_REDIS_URL")
}
os.environ |= _chosen

from maestro.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

for _name in _chosen:
    del os.environ[_name]

# A file, not memory: runs work in threads of their own, each with its own connection.
if not _chosen["MAESTRO_DATABASE_URL"]:
    DATABASES["default"]["TEST"] = {  # noqa: F405
        "NAME": os.path.join(os.environ["MAESTRO_DATA"], "test.sqlite3")
    }

# Templates render without a collected manifest.
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405
