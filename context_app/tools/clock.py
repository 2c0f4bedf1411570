"""What time it is: the smallest useful tool, and an example of one."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from context_app.tools.base import Arguments, Tool, ToolContext, ToolError


def _run(arguments: Arguments, context: ToolContext) -> str:
    zone = str(arguments.get("timezone") or "UTC")
    try:
        now = datetime.now(UTC if zone == "UTC" else ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ToolError(
            f"There is no time zone {zone!r}. Use a name such as Europe/Zurich."
        ) from None
    return now.strftime("%A, %Y-%m-%d %H:%M:%S %Z (UTC%z)")


tool = Tool(
    name="current_time",
    description="The date and time now, in a time zone.",
    parameters={
        "type": "object",
        "properties": {
            "timezone": {
                "type": "string",
                "description": "IANA name, for example Europe/Zurich. Default: UTC.",
            }
        },
        "required": [],
        "additionalProperties": False,
    },
    run=_run,
)
