"""The keys, apart from the data: one small file, mode 0600, only when asked for."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from maestro import keys
from maestro.operations.archive import key_lines
from maestro.operations.errors import OperationFailed, Unfit
from sessions_app.sealing import key_changes, key_files
from sessions_app.sealing.key_files import CryptoError

FORMAT = "maestro-keys-1"
_MAX_BYTES = 100_000


def refuse_beside(path: Path, folder: Path) -> None:
    """Raises OperationFailed for a place where whoever finds one finds the other, and for
    a file that is there already."""
    if path.parent.resolve() == folder.resolve():
        raise OperationFailed(
            "The keys must not lie beside the backup: whoever finds both can read "
            "every credential. Name another folder."
        )
    if path.exists() or path.is_symlink():
        raise OperationFailed(f"{path} is there already; nothing was overwritten.")


def write(path: Path) -> list[str]:
    """Save all encryption keys and the signing key; the ids of the former.

    Refuses to overwrite. Raises OperationFailed.
    """
    lines = key_lines()
    document = {
        "format": FORMAT,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "encryption_keys": lines,
        "secret_key": settings.SECRET_KEY,
    }
    try:
        handle = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600
        )
        with os.fdopen(handle, "w", encoding="ascii") as file:
            json.dump(document, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise OperationFailed(f"{path} is there already.") from None
    except OSError as exc:
        raise OperationFailed(f"{path} cannot be written ({exc.strerror}).") from None
    return [key_files.parse_key(line).id for line in lines]


def bring_encryption_keys(path: Path) -> int:
    """Add the keys of a file to the key file, behind those there are; how many were new.

    That takes nothing away: a backup is verified with them before it is put back. Raises
    Unfit, OperationFailed.
    """
    try:
        return key_changes.append(_read(path)["encryption_keys"])
    except CryptoError as exc:
        raise OperationFailed(f"The keys cannot be put in place: {exc}.") from None


def bring_signing_key(path: Path) -> None:
    """Let the signing key of a file be ours: sessions of before go on.

    Unless one is set, or the present one is the same; that one is kept beside it. Raises
    Unfit, OperationFailed.
    """
    try:
        _restore_secret_key(_read(path)["secret_key"])
    except OSError as exc:
        raise OperationFailed(
            f"The database is restored, but not the signing key ({exc.strerror}): "
            "everybody has to sign in again."
        ) from None


def _restore_secret_key(text: str) -> None:
    if "MAESTRO_SECRET_KEY" in os.environ or "MAESTRO_SECRET_KEY_FILE" in os.environ:
        return
    target = keys.secret_key_path(Path(settings.DATA_DIR))
    if target.exists():
        if target.read_text(encoding="ascii").strip() == text:
            return
        kept = target.with_name(f"secret.key.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        os.replace(target, kept)
    keys.write_once(target, text)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES + 1)
    except OSError as exc:
        raise OperationFailed(f"{path} cannot be read ({exc.strerror}).") from None
    try:
        document = json.loads(text)
        lines, secret_key = document["encryption_keys"], document["secret_key"]
        is_ours = document["format"] == FORMAT and isinstance(lines, list) and lines
        if not is_ours or len(str(secret_key)) < 40:
            raise ValueError
        for line in lines:
            key_files.parse_key(str(line))
    except (ValueError, KeyError, TypeError, CryptoError):
        raise Unfit(f"{path} is not a backup of keys.") from None
    return {"encryption_keys": [str(x) for x in lines], "secret_key": str(secret_key)}
