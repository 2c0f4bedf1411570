"""Where `manage.py credential add` takes a key from; never from the command line.

Stdin, a file, the vendor's own environment variables, or a prompt. Arguments are seen by
everyone on the machine; the environment of a process by its owner only.
"""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from providers import resolver
from sessions_app.management.support import USAGE

MAX_KEY_BYTES = 16_384  # a key file this large is another file

# What the environment may say beside the key; an option that is given wins.
_BESIDE = ("base_url", "organization", "project")


def add_arguments(parser: CommandParser) -> None:
    """The options that say where the key is; at most one of them."""
    key = parser.add_mutually_exclusive_group()
    key.add_argument("--key-stdin", action="store_true", help="read the key from stdin")
    key.add_argument("--key-file", type=Path, help="read the key from this file")
    key.add_argument(
        "--from-env",
        action="store_true",
        help="read the vendor's own variables: OPENAI_API_KEY, OPENAI_BASE_URL, …",
    )


def read(options: dict[str, Any]) -> dict[str, str]:
    """The key, with the address and headers that belong to it. Raises CommandError."""
    given = {name: options[name] for name in _BESIDE}
    if options["from_env"]:
        found = _environment(options["provider"])
        return given | found | {name: value for name, value in given.items() if value}
    return given | {"api_key": _key(options)}


def _environment(slug: str) -> dict[str, str]:
    """What the vendor's variables say, "" where they are not set."""
    manifest = resolver.providers().get(slug)
    if manifest is None:
        return {
            "api_key": ""
        }  # the service says what is wrong with an unknown provider
    names = manifest.env_names
    if "api_key" not in names:
        raise CommandError(
            f"{manifest.label} has no variable of its own for a key: use --key-stdin "
            "or --key-file.",
            returncode=USAGE,
        )
    found = {
        field: os.environ.get(names.get(field, ""), "").strip()
        for field in ("api_key", *_BESIDE)
    }
    if manifest.key_required and not found["api_key"]:
        raise CommandError(f"{names['api_key']} is not set.", returncode=USAGE)
    return found


def _key(options: dict[str, Any]) -> str:
    """The key from the place the options name; asked for where nothing is named."""
    if options["key_file"]:
        try:
            with options["key_file"].open("rb") as file:
                return _decoded(file.read(MAX_KEY_BYTES + 1))
        except OSError as exc:
            raise CommandError(
                f"{options['key_file']} cannot be read ({exc.strerror}).",
                returncode=USAGE,
            ) from None
    if options["key_stdin"]:
        return _decoded(sys.stdin.buffer.read(MAX_KEY_BYTES + 1))
    found = resolver.providers().get(options["provider"])
    if found is None or not found.key_required:
        return ""
    if not sys.stdin.isatty():
        raise CommandError(
            "There is no terminal to ask for the key: use --key-stdin, --key-file or "
            "--from-env.",
            returncode=USAGE,
        )
    return getpass.getpass(f"API key for {found.label}: ")


def _decoded(raw: bytes) -> str:
    if len(raw) > MAX_KEY_BYTES:
        raise CommandError("That is too long to be an API key.", returncode=USAGE)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise CommandError(
            "That is not text, so no API key.", returncode=USAGE
        ) from None
