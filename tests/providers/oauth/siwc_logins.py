"""Sign in with ChatGPT in tests: signed ID tokens, and the vendor's answers."""

from __future__ import annotations

import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from providers import provider
from providers.oauth.login import Login
from providers.types import Credential
from tests.providers.oauth.login_server import LoginServer

ISSUER = "https://auth.openai.com"
TOKEN = f"POST {ISSUER}/api/accounts/oauth/token"
KEYS = f"GET {ISSUER}/.well-known/jwks.json"
CALLBACK = "http://127.0.0.1:40123/auth/callback"
HOST = "urn:uuid:6f1f3c1e-8a1b-4c53-9d6e-0a9a6f3b1c2d"
ISSUED = "oaiapp_test1"
RESOURCE = "https://api.openai.com/v1"
SCOPE = "openid profile email offline_access resource.invoke chatgpt.tokens.use.direct"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_set(key: rsa.RSAPrivateKey = KEY, name: str = "k1") -> dict[str, Any]:
    row = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"keys": [{**row, "kid": name, "use": "sig", "alg": "RS256"}]}


def begin(again: Credential | None = None) -> Login:
    return provider.begin_login(
        "openai", name="mine", method="siwc", redirect_uri=CALLBACK, again=again
    )


def signed(login: Login, key: Any = KEY, kid: str = "k1", **changes: Any) -> str:
    claims = {
        "iss": ISSUER,
        "aud": ISSUED,
        "sub": "user-1",
        "email": "ada@example.com",
        "nonce": login.nonce,
        "iat": int(time.time()),
        "exp": int(time.time()) + 3600,
    }
    kept = {k: v for k, v in {**claims, **changes}.items() if v is not None}
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "HS256"
    return jwt.encode(kept, key, algorithm=algorithm, headers={"kid": kid})


def tokens(id_token: str | None, number: int = 1, **more: Any) -> dict[str, Any]:
    fields = {
        "access_token": f"at-{number}",
        "refresh_token": f"rt-{number}",
        "id_token": id_token,
        "expires_in": 3600,
        "scope": SCOPE,
    }
    return {k: v for k, v in {**fields, **more}.items() if v is not None}


def answer(login: Login, client_id: str = ISSUED) -> str:
    issued = f"&client_id={client_id}" if client_id else ""
    return f"{CALLBACK}?code=the-code&state={login.state}{issued}"


def finish(
    server: LoginServer, login: Login, id_token: str | None = None, **more: Any
) -> Credential:
    server.says(TOKEN, tokens(id_token or signed(login), **more))
    server.says(KEYS, key_set())
    return provider.complete_login(login, answer(login))
