"""System checks of the file of MCP servers: what is wrong with it is said at the start."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from context_app.mcp import config


@register()
def mcp_file_is_good(**_: Any) -> list[CheckMessage]:
    """Nothing is connected to here: `manage.py mcp` tells whether the servers answer."""
    place = settings.MAESTRO_MCP_FILE
    if not place:
        return []
    loaded = config.load(place, os.environ, workspace=settings.MAESTRO_WORKSPACE)
    found: list[CheckMessage] = [
        Error(
            f"The file of MCP servers cannot be used as it is. {words}",
            hint=f"Mend {place}, or unset MAESTRO_MCP_FILE; docs/mcp.md says how.",
            id="context_app.E001",
        )
        for words in loaded.problems
    ]
    found += [
        Warning(
            f"The file of MCP servers: {words}",
            hint=f"Change {place}; docs/mcp.md says how.",
            id="context_app.W001",
        )
        for words in loaded.warnings
    ]
    return found
