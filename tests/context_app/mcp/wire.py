"""A server over streamable HTTP of our own, whose handling of single methods a test replaces."""

from __future__ import annotations

import json

from tests.context_app.mcp.hostile import HELLO, TOOL, text
from tests.providers.http.servers import RawServer

EVENTS = {"content_type": "text/event-stream"}


def result(number, value):
    return json.dumps({"jsonrpc": "2.0", "id": number, "result": value}).encode()


def event(data, event_id="", retry=None):
    head = f"id: {event_id}\n" if event_id else ""
    head += f"retry: {retry}\n" if retry is not None else ""
    return head.encode() + b"data: " + data + b"\n\n"


class Wire:
    """A server whose handling of single methods a test replaces.

    `on["tools/call"] = handler(peer, request, message)`; `on["GET"]`, `on["DELETE"]`.
    """

    def __init__(self):
        self.on = {}
        self.session = "session-1"
        self.changes = True
        self.description = "Looks."
        self.server = RawServer(self._script)

    def asked(self, method):
        """(request, message) of every request with this method, HTTP's or JSON-RPC's."""
        found = []
        for request in self.server.requests:
            message = json.loads(request.body) if request.body else {}
            verb = request.line.split()[0]
            if method in (verb, message.get("method")):
                found.append((request, message))
        return found

    def _script(self, peer):
        while (request := peer.next_request()) is not None:
            message = json.loads(request.body) if request.body else {}
            verb = request.line.split()[0]
            method = message.get("method") if verb == "POST" else verb
            handler = self.on.get(method, getattr(self, f"_{verb.lower()}"))
            if handler(peer, request, message) == "close":
                return

    def _post(self, peer, request, message):
        method, number = message.get("method"), message.get("id")
        if method == "initialize":
            hello = {**HELLO, "capabilities": {"tools": {"listChanged": self.changes}}}
            peer.answer(result(number, hello), mcp_session_id=self.session)
        elif number is None or method is None:
            peer.answer(b"", 202)
        elif method == "tools/list":
            tool = {**TOOL, "description": self.description}
            peer.answer(result(number, {"tools": [tool]}))
        else:
            peer.answer(result(number, text("fine")))

    def _get(self, peer, request, message):
        peer.answer(b"", 405)

    def _delete(self, peer, request, message):
        peer.answer(b"", 200)
