"""The control API: how tests say what happens next, and see what happened.

POST   /_emulator/scripts    next answer: {"text", "reasoning", "calls": [{"name",
                              "arguments"}]} or {"pieces": [{"text"} | {"reasoning"} |
                              {"call": {"name", "arguments"}} | {"sleep": s} |
                              {"error": message}, …]}; and {"stop", "stall_s",
                              "piece_bytes", "pace", "match"}
POST   /_emulator/faults     next fault: {"kind", "status", "code", "message",
                              "retry_after_s", "delay_s", "at_byte", "location"}, for
                              {"path", "model", "key"}, so many {"times"}
POST   /_emulator/replay     {"file": "text_basic"}     next answer is a captured stream
GET    /_emulator/requests   what came, secrets hashed
GET    /_emulator/streams    which streams began, how many deltas, how they ended
GET    /_emulator/sealed     opaque values that were given out, oldest first
GET    /_emulator/models     {vendor: [model ids that chat]}
GET    /_emulator/origins    {vendor's origin: the path that serves it here}
GET    /_emulator/oauth      token requests, families, codes, devices; secrets hashed
POST   /_emulator/oauth      how logins go from now on: the fields of oauth_config.Config
POST   /_emulator/oauth/expire   every access token has expired
POST   /_emulator/oauth/revoke   every family has ended
DELETE /_emulator            forget all of it
GET    /_emulator            {"status": "ok"}
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from providers.emulator import answers, faults, models
from providers.emulator.http11 import Reply, Request
from providers.emulator.origins import ORIGINS
from providers.emulator.state import Fault, State

PREFIX = "/_emulator"

_Kinds = dict[str, tuple[type, ...]]
_NUMBERS: _Kinds = dict.fromkeys(
    ("status", "times", "at_byte", "piece_bytes"), (int, type(None))
) | dict.fromkeys(
    ("stall_s", "pace", "retry_after_s", "delay_s"), (int, float, type(None))
)
_WORDS: _Kinds = dict.fromkeys(
    ("text", "reasoning", "stop", "match", "kind", "location", "path", "model", "key",
     "code", "message"), (str,)
)  # fmt: skip


def control(request: Request, state: State) -> Reply:
    """Answer a control request; 400 with the reason for a wrong one."""
    path = request.path.removeprefix(PREFIX).strip("/")
    if request.method == "GET":
        return _look(path, state)
    if request.method == "DELETE":
        state.reset()
        return Reply(200, {})
    data = request.json() if request.body else None
    if data is None and path in ("oauth/expire", "oauth/revoke"):
        data = {}
    if not isinstance(data, dict):
        return Reply(400, {"error": "the body must be a JSON object"})
    try:
        _set(path, data, state)
    except (KeyError, TypeError, ValueError) as exc:
        return Reply(400, {"error": f"{type(exc).__name__}: {exc}"})
    return Reply(200, {})


def _look(path: str, state: State) -> Reply:
    found: dict[str, Any]
    match path:
        case "requests":
            found = {"requests": state.requests}
        case "streams":
            found = {"streams": [asdict(stream) for stream in state.streams]}
        case "sealed":
            found = {"sealed": state.sealed}
        case "oauth":
            found = state.oauth.seen()
        case "models":
            found = {**models.CHAT}
        case "origins":
            found = {**ORIGINS}
        case "":
            found = {"status": "ok"}
        case _:
            return Reply(404, {"error": f"there is nothing to see at {path!r}"})
    return Reply(200, found)


def _set(path: str, data: dict[str, Any], state: State) -> None:
    match path:
        case "scripts":
            _check(data, _NUMBERS | _WORDS | {"calls": (list,), "pieces": (list,)})
            state.scripts.append(answers.from_script(data))
        case "faults":
            _check(data, _NUMBERS | _WORDS)
            state.faults.append(faults.check(Fault(**data)))
        case "replay":
            state.replays.append(str(data["file"]))
        case "oauth":
            state.oauth.config.set(data)
        case "oauth/expire":
            state.oauth.expire_all()
        case "oauth/revoke":
            state.oauth.revoke_all()
        case _:
            raise ValueError(f"there is nothing to set at {path!r}")


def _check(data: dict[str, Any], kinds: _Kinds) -> None:
    """Now, rather than in the middle of the stream they are for."""
    for name, value in data.items():
        if not isinstance(value, kinds.get(name, (object,))):
            raise TypeError(f"{name} cannot be {value!r}")
