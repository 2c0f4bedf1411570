"""Settings of the test suite: the product's, with keys of its own and cheap hashes."""

import os
import tempfile

os.environ.setdefault("MAESTRO_DATA", tempfile.mkdtemp(prefix="maestro-tests-"))

from maestro.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# A file, not memory: runs work in threads of their own, each with its own connection.
DATABASES["default"]["TEST"] = {  # noqa: F405
    "NAME": os.path.join(os.environ["MAESTRO_DATA"], "test.sqlite3")
}

# Templates render without a collected manifest.
STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405
