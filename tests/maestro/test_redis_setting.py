"""The channel layer on Redis: a quiet channel is not a lost connection."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from channels_redis.core import RedisChannelLayer

from tests.emulator import ROOT

CODE = """
import json, django
from django.conf import settings
django.setup()
print(json.dumps(settings.CHANNEL_LAYERS["default"]["CONFIG"]["hosts"]))
"""


def test_a_read_may_take_longer_than_the_layer_waits(tmp_path):
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "maestro.settings",
        "MAESTRO_REDIS_URL": "redis://127.0.0.1:6379/3",
        "MAESTRO_DATA": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, env=env, capture_output=True, text=True
    )
    (host,) = json.loads(done.stdout)
    assert host["socket_timeout"] > RedisChannelLayer.brpop_timeout + 5
