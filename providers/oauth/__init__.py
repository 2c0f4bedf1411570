"""Login by OAuth: what every vendor's login has in common. Pure, but for the listener.

    login.py     what a login is while the answer is awaited, and reading the answer
    pkce.py      verifier and challenge (RFC 7636)
    server.py    the facts of one authorization server, as data
    tokens.py    what a token endpoint answers; when to refresh
    claims.py    claims of ID tokens
    listener.py  the loopback callback (RFC 8252)

The requests are made by `providers.http.oauth`; vendors put both together.
"""
