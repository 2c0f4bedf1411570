"""`manage.py mcp`: the MCP servers of the operator's file, asked now."""

from __future__ import annotations

import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from context_app.mcp import servers
from context_app.mcp.definitions import MAX_OFFERED
from context_app.mcp.messages import McpError
from context_app.mcp.server import Server
from sessions_app.management.support import PROBLEM, USAGE, as_json, as_table

_MARGIN_S = 5.0


class Command(BaseCommand):
    help = (
        "List MCP servers, whether they answer, and their tools. Connects to each anew. "
        "Exit 3: a server does not answer, or the file needs a hand."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="*", help="only these servers")
        parser.add_argument("--json", action="store_true", help="print one document")

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = servers.loaded()
        known = {one.name for one in loaded.servers}
        unknown = sorted(set(options["name"]) - known)
        if unknown:
            raise CommandError(f"There is no server {unknown[0]!r}.", returncode=USAGE)
        wanted = options["name"] or known
        rows = _asked([one for one in loaded.servers if one.name in wanted])
        if sum(len(row["tools"]) for row in rows) > MAX_OFFERED:
            loaded.problems.append(
                f"All servers together offer more than {MAX_OFFERED} tools; those at the end "
                "are left out. Choose with `tools`."
            )
        document = {
            "file": settings.MAESTRO_MCP_FILE,
            "problems": loaded.problems,
            "warnings": loaded.warnings,
            "servers": rows,
        }
        self.stdout.write(as_json(document) if options["json"] else _text(document))
        is_good = all(row["is_up"] and not row["problems"] for row in rows)
        if loaded.problems or not is_good:
            sys.exit(PROBLEM)


def _asked(configs: list[Any]) -> list[dict[str, Any]]:
    """Connect to all at once; one row each."""
    asked = [Server(one, servers.pace()) for one in configs]
    for server in asked:
        server.start()
    until = time.monotonic() + settings.MAESTRO_MCP_CONNECT_S + _MARGIN_S
    try:
        for server in asked:
            server.wait(until)
        return [_row(server) for server in asked]
    finally:
        for server in asked:
            server.close()


def _row(server: Server) -> dict[str, Any]:
    state, ping_ms = server.state(), None
    why = state.why
    if state.is_up:
        try:
            ping_ms = round(server.ping() * 1000, 1)
        except McpError as exc:
            why = f"It listed its tools, and does not answer a ping: {exc}"
    return {
        "name": state.name,
        "place": state.place,
        "is_up": state.is_up and ping_ms is not None,
        "why": why,
        "says_it_is": state.said,
        "revision": state.version,
        "ping_ms": ping_ms,
        "problems": list(state.problems),
        "tools": [
            {
                "name": one.name,
                "risk": one.risk,
                "definition": one.digest,
                "description": one.description,
            }
            for one in state.tools.values()
        ],
    }


def _text(document: dict[str, Any]) -> str:
    if not document["file"]:
        return "No MCP servers: MAESTRO_MCP_FILE is not set (docs/mcp.md)."
    lines = [f"{document['file']}:"]
    lines += [f"  problem: {words}" for words in document["problems"]]
    lines += [f"  warning: {words}" for words in document["warnings"]]
    for row in document["servers"]:
        about = f"{row['name']} ({row['place']})"
        if not row["is_up"]:
            lines.append(f"\n{about} is not up. {row['why']}")
            continue
        said = row["says_it_is"] or "it gives no name"
        lines.append(
            f"\n{about} is up: {said}, revision {row['revision']}, "
            f"ping {row['ping_ms']} ms, {len(row['tools'])} tools"
        )
        lines += [f"  problem: {words}" for words in row["problems"]]
        if row["tools"]:
            head = ("  TOOL", "RISK", "DEFINITION")
            cells = [
                (f"  {one['name']}", one["risk"], one["definition"])
                for one in row["tools"]
            ]
            lines.append(as_table([head, *cells]))
    return "\n".join(lines)
