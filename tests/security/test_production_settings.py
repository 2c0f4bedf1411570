"""ASVS 3.3, 3.4: what Django's own checklist wants of an installation behind HTTPS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = (
    "DEBUG", "SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_NAME", "CSRF_COOKIE_SECURE",
    "SECURE_HSTS_SECONDS", "ALLOWED_HOSTS",
)  # fmt: skip
SCRIPT = f"""
import json
import django
django.setup()
from django.conf import settings
from django.core import checks
found = checks.run_checks(tags=["security"], include_deployment_checks=True)
print(json.dumps({{
    "warnings": [one.id for one in found if not one.is_silenced()],
    "settings": {{name: getattr(settings, name) for name in {NAMES}}},
}}))
"""


@pytest.fixture
def profile(tmp_path: Path):
    """What an installation of this address is like: settings, and what is warned of."""

    def look(url: str) -> dict:
        ours = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("MAESTRO_", "DJANGO_"))
        }
        env = {**ours, "MAESTRO_URL": url, "MAESTRO_DATA": str(tmp_path),
               "DJANGO_SETTINGS_MODULE": "maestro.settings"}  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], cwd=ROOT, env=env,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return look


def test_behind_https_nothing_is_warned_of_and_cookies_are_of_this_host_only(profile):
    found = profile("https://chat.example.org")
    assert found["warnings"] == []
    assert found["settings"] == {
        "DEBUG": False,
        "SESSION_COOKIE_NAME": "__Host-sessionid",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_NAME": "__Host-csrftoken",
        "CSRF_COOKIE_SECURE": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "ALLOWED_HOSTS": ["chat.example.org"],
    }


def test_without_https_the_warnings_stand(profile):
    """Nothing is silenced that would tell an operator to put TLS in front."""
    found = profile("http://chat.example.org")
    assert {"security.W004", "security.W012", "security.W016"} <= set(found["warnings"])
