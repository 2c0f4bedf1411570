"""Which tools there are here, and how a model is told of them."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from context_app.services import intents
from context_app.tools import registry
from context_app.tools.base import Tool
from providers.types import Tool as ToolSpec
from sessions_app.models import Run


def specs_for(run: Run) -> list[ToolSpec]:
    """The tools of this run, with the intent in their parameters; [] when it has none."""
    return specs() if run.options.get("tools") else []


def specs() -> list[ToolSpec]:
    """All tools there are here, as a model is told of them."""
    return [
        ToolSpec(
            name=tool.name,
            description=tool.description,
            parameters=intents.parameters_of(tool),
        )
        for tool in _all().values()
    ]


def tools_of(run: Run) -> dict[str, Tool]:
    """What this run may call, by name."""
    return _all() if run.options.get("tools") else {}


def workspace() -> Path | None:
    """The directory tools may work in, if the operator gave one."""
    found = settings.MAESTRO_WORKSPACE
    return Path(found).resolve() if found else None


def _all() -> dict[str, Tool]:
    has_workspace = workspace() is not None
    return {
        name: tool
        for name, tool in registry.tools().items()
        if has_workspace or not tool.needs_workspace
    }
