"""JSON of credentials and providers. A secret comes in, never goes out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from django.http import HttpRequest

from providers import provider
from sessions_app.services import credentials, teams
from sessions_app.services.credentials.rows import credential_view
from sessions_app.views.json_api import answer, body, json_view


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """A credential to add or to try. `base_url` is its own address, nothing else's."""

    provider: str
    name: str = ""
    api_key: str = ""
    base_url: str = ""
    organization: str = ""
    project: str = ""
    team: UUID | None = None
    is_shared_with_everyone: bool = False


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    """A new key for a credential, and with it perhaps a new address."""

    api_key: str
    base_url: str | None = None


class Mode(msgspec.Struct, forbid_unknown_fields=True):
    """How a login is used, where its vendor has several ways."""

    mode: str


class Sharing(msgspec.Struct, forbid_unknown_fields=True):
    """With whom: one of the owner's teams, everyone (staff only), or nobody."""

    team: UUID | None = None
    is_shared_with_everyone: bool = False


def _list(request: HttpRequest) -> Any:
    rows = list(credentials.list_credentials(user=request.user))
    chosen = credentials.default_credential(user=request.user)
    return {
        "credentials": [_view(request, row) for row in rows],
        "default_id": str(chosen.pk) if chosen else None,
        "teams": [
            {"id": str(t.pk), "name": t.name} for t in teams.teams_of(user=request.user)
        ],
    }


def _view(request: HttpRequest, row: Any) -> dict[str, Any]:
    return {**credential_view(row), "may_manage": row.is_managed_by(request.user)}


def _add(request: HttpRequest) -> Any:
    new = body(request, NewKey)
    row = credentials.add_api_key(
        user=request.user,
        provider=new.provider,
        name=new.name,
        api_key=new.api_key,
        base_url=new.base_url,
        organization=new.organization,
        project=new.project,
        team=new.team,
        is_shared_with_everyone=new.is_shared_with_everyone,
    )
    return answer({"credential": _view(request, row)}, 201)


def _try(request: HttpRequest) -> Any:
    new = body(request, NewKey)
    return _result(
        credentials.try_credential(
            user=request.user,
            provider=new.provider,
            api_key=new.api_key,
            base_url=new.base_url,
            organization=new.organization,
            project=new.project,
        )
    )


def _test(request: HttpRequest, credential_id: UUID) -> Any:
    return _result(
        credentials.check_credential(user=request.user, credential_id=credential_id)
    )


def _result(result: credentials.CheckResult) -> dict[str, Any]:
    return {"ok": result.is_ok, "message": result.message, "error": result.error}


def _rotate(request: HttpRequest, credential_id: UUID) -> Any:
    change = body(request, Rotation)
    row = credentials.rotate_key(
        user=request.user,
        credential_id=credential_id,
        api_key=change.api_key,
        base_url=change.base_url,
    )
    return {"credential": _view(request, row)}


def _refresh(request: HttpRequest, credential_id: UUID) -> Any:
    return _result(
        credentials.refresh_credential(user=request.user, credential_id=credential_id)
    )


def _mode(request: HttpRequest, credential_id: UUID) -> Any:
    return _result(
        credentials.choose_mode(
            user=request.user,
            credential_id=credential_id,
            mode=body(request, Mode).mode,
        )
    )


def _revoke(request: HttpRequest, credential_id: UUID) -> Any:
    return _result(
        credentials.revoke_credential(user=request.user, credential_id=credential_id)
    )


def _share(request: HttpRequest, credential_id: UUID) -> Any:
    change = body(request, Sharing)
    row = credentials.share_credential(
        user=request.user,
        credential_id=credential_id,
        team=change.team,
        is_shared_with_everyone=change.is_shared_with_everyone,
    )
    return {"credential": _view(request, row)}


def _delete(request: HttpRequest, credential_id: UUID) -> Any:
    credentials.delete_credential(user=request.user, credential_id=credential_id)


def _models(request: HttpRequest, credential_id: UUID) -> Any:
    fresh = request.GET.get("fresh") in ("1", "true")
    found = credentials.models_for(
        user=request.user, credential_id=credential_id, fresh=fresh
    )
    row = credentials.credential_for(user=request.user, credential_id=credential_id)
    default = provider.provider_capabilities(row.provider)["default_model"]
    return {"models": found, "default_model": default}


def _providers(request: HttpRequest) -> Any:
    found = [provider.provider_capabilities(slug) for slug in provider.list_providers()]
    return {"providers": sorted(found, key=lambda p: p["label"].lower())}


def _local_servers(request: HttpRequest) -> Any:
    return {
        "servers": [
            {"provider": s.provider, "label": s.label, "url": s.url}
            for s in credentials.local_servers()
        ]
    }


def _remove_demo(request: HttpRequest) -> Any:
    return {"removed": credentials.remove_demo(user=request.user)}


collection = json_view(GET=_list, POST=_add)
try_unsaved = json_view(POST=_try)
one = json_view(DELETE=_delete)
test = json_view(POST=_test)
key = json_view(POST=_rotate)
refresh = json_view(POST=_refresh)
mode = json_view(POST=_mode)
revoke = json_view(POST=_revoke)
share = json_view(POST=_share)
models = json_view(GET=_models)
providers = json_view(GET=_providers)
local_servers = json_view(GET=_local_servers)
demo = json_view(DELETE=_remove_demo)
