"""The wire: the only package of the product that talks HTTP, and only by `requests`.

    client.py ─▶ pool.py ─▶ connection.py        one request, one pooled connection
        │
        ▼
    response.py ─▶ body.py ─▶ framing.py          bytes of an answer, promptly
        │
        ▼
    sse.py                                        events (fed by providers/streaming.py)

`configure(HttpSettings(…))` once at start; everything else is used through
`client.client_for`. Importing this package does not import `requests`.
"""

from providers.http.settings import HttpSettings, configure, settings

__all__ = ["HttpSettings", "configure", "settings"]
