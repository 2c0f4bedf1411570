"""Key files: made once, mode 0600, in the data directory and never in the database.

`secret.key` signs sessions; `encryption.keys` (see `sessions_app.sealing.crypto`) encrypts
saved secrets. Whoever restores a backup needs both, so the start says where they are.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from maestro.env import SettingError


def write_once(path: Path, text: str) -> bool:
    """Create a 0600 file with this text, atomically; False when it is there already."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # fails when somebody else was first: theirs counts
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def secret_key_path(data_dir: Path) -> Path:
    """Where the signing key is kept."""
    return data_dir / "keys" / "secret.key"


def read_secret_key(data_dir: Path) -> str:
    """The signing key; made at the first start. Raises SettingError when it cannot be."""
    path = secret_key_path(data_dir)
    try:
        if not path.exists():
            write_once(path, secrets.token_urlsafe(64))
        key = path.read_text(encoding="ascii").strip()
    except OSError as exc:
        raise SettingError(
            f"No signing key: {path} cannot be read or made ({exc.strerror}). "
            "Make the data directory writable, or set MAESTRO_SECRET_KEY."
        ) from None
    if len(key) < 40:
        raise SettingError(f"{path} does not hold a key. Restore it from your backup.")
    return key
