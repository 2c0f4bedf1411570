"""Refusals in the vendors' shapes, for tests: each shows only what it is about."""

import json

from providers.error_bodies import error_from_response


def refusal(body, status=400, provider="acme", **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_from_response(provider, status, names, raw)


def error(**fields):
    return {"error": fields}


def google(status, *details, message="m", code=429):
    kinds = "type.googleapis.com/google.rpc."
    rows = [{**d, "@type": kinds + d["@type"]} for d in details]
    return error(code=code, message=message, status=status, details=rows)
