"""MCP servers as drop-in tools: a small client of the Model Context Protocol.

    the operator's file ─▶ config.py ─▶ servers.py ─▶ server.py  one thread per server
                                                        │
                         http_link.py or stdio_link.py ◀┘  requests and their answers
                                   │
    registry ◀── Tool ◀── definitions.py, schemas.py       what a server offers, distrusted
    a run    ◀── text ◀── results.py                       what a call brought, distrusted

Revisions 2024-11-05 to 2025-11-25, those that begin with `initialize`, over streamable HTTP
and over stdio. Source: https://modelcontextprotocol.io/specification/2025-11-25. Not spoken:
the old HTTP+SSE transport, sampling, elicitation, roots, OAuth (S-46: nothing that a server
returns becomes an address of ours).
"""
