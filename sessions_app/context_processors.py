"""What every page knows: whether there is a demo, and which version this is."""

from __future__ import annotations

import functools
import tomllib
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from sessions_app.models import SavedAuthentication


def maestro(request: HttpRequest) -> dict[str, Any]:
    """`demo_banner`: there are demo credentials, so the page must say so, to anybody.

    `maestro_version`: of this installation. `is_debug`: Django's debug pages are on.
    """
    return {
        "demo_banner": SavedAuthentication.objects.demo().exists(),
        "maestro_version": version(),
        "is_debug": settings.DEBUG,
    }


@functools.cache
def version() -> str:
    """What `pyproject.toml` says in the checkout; "" where there is none."""
    try:
        with (settings.BASE_DIR / "pyproject.toml").open("rb") as file:
            return str(tomllib.load(file)["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return ""
