"""`manage.py test_full_openai_oauth_streaming_e2e`: the canonical proof.

OpenAI by login, in both of its modes: login URL, callback without a time limit or a
pasted answer, token exchange, second exchange, models, the standard question streamed
through the one parser, checks, interruption and recovery, refresh, clean-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maestro.proof.commands import ProofCommand
from maestro.proof.plan import paths_of
from providers.types import AuthType


class Command(ProofCommand):
    """The same as `manage.py e2e openai oauth`."""

    help = "Prove the whole OpenAI pipeline, from the login to the clean-up."
    name = "test_full_openai_oauth_streaming_e2e"

    def paths(self, options: dict[str, Any]) -> Sequence[tuple[str, AuthType]]:
        return paths_of("openai", "oauth")
