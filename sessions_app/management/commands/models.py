"""`manage.py models`: the models a credential may use, from the vendor's own list."""

from __future__ import annotations

from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandParser

from providers.types import Model
from sessions_app.errors import NotFound
from sessions_app.management.support import (
    acting_user,
    add_common_arguments,
    as_json,
    as_table,
    errors_in_words,
)
from sessions_app.models.authentication import SavedAuthentication
from sessions_app.services import credentials


class Command(BaseCommand):
    help = "List the models of a credential (default: the one a new chat would use)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--provider", default="", help="slug, for example openai")
        parser.add_argument("--credential", default="", metavar="NAME")
        add_common_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        with errors_in_words():
            user = acting_user(options["user"])
            row = _credential(user, options["credential"], options["provider"])
            models = credentials.models_for(user=user, credential_id=row.pk, fresh=True)
        if options["json"]:
            document = {
                "credential": credentials.credential_view(row),
                "models": [_view(model) for model in models],
            }
            self.stdout.write(as_json(document))
        else:
            self.stdout.write(_table(row, list(models)))


def _credential(user: Any, name: str, provider: str) -> SavedAuthentication:
    if name:
        return credentials.find_credential(user=user, name=name, provider=provider)
    row = credentials.default_credential(user=user, provider=provider)
    if row is None:
        raise NotFound(
            f"{user.get_username()} has no {provider or 'saved'} credential. Add one "
            "with `manage.py credential add PROVIDER --name NAME`."
        )
    return row


def _view(model: Model) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(model)
    return {**document, "abilities": sorted(model.abilities)}


def _table(row: SavedAuthentication, models: list[Model]) -> str:
    if not models:
        return f"{row}: the provider lists no models."
    lines = [
        (
            model.id,
            f"{model.context_window:,}" if model.context_window else "-",
            f"{model.max_output_tokens:,}" if model.max_output_tokens else "-",
            ", ".join(sorted(model.abilities)) or "-",
        )
        for model in models
    ]
    return as_table([("MODEL", "CONTEXT", "OUTPUT", "ABILITIES"), *lines])
