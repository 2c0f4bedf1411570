"""The file of a backup: a zip of parts and a sealed manifest. Read without extracting.

    manifest.json       what it is, its parts (size, SHA-256), migrations, key ids, rows
    manifest.seal       HMAC-SHA256 of the manifest's bytes, keyed from the encryption key
    database.sqlite3    SQLite: the whole database
    tables/<table>      PostgreSQL: COPY text, one part per table

Nothing from the file ever becomes a path: parts are read by the names of the manifest,
and a file that holds anything else (a link, a folder, a name twice, `..`) is refused. The
seal tells a backup that somebody changed from one that is as we made it: whoever restores
a changed one would hand over the installation.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any, Literal

import msgspec

from maestro.operations.errors import OperationFailed, Unfit
from sessions_app.sealing import crypto, key_files

FORMAT = "maestro-backup-1"
MANIFEST, SEAL = "manifest.json", "manifest.seal"
_PART = re.compile(r"\A(database\.sqlite3|tables/[a-z_][a-z0-9_]{0,62})\Z")
_MAX_MANIFEST_BYTES = 4_000_000
PIECE_BYTES = 1 << 20

# What `zipfile` raises on damaged files; RuntimeError: a bit says it were encrypted.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError)


class Writer:
    """Writes parts, then the manifest. Use as a context manager; call `finish`."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(
            path, "w", zipfile.ZIP_DEFLATED, allowZip64=True, compresslevel=3
        )
        self._parts: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @contextmanager
    def part(self, name: str, **facts: Any) -> Iterator[_Counted]:
        """A file to write one part to. `facts` go to the manifest with size and hash."""
        with self._zip.open(name, "w", force_zip64=True) as raw:
            counted = _Counted(raw)
            yield counted
        self._parts[name] = {**facts, **counted.facts()}

    def set_rows(self, name: str, rows: int) -> None:
        """How many rows a part turned out to hold."""
        self._parts[name]["rows"] = rows

    def finish(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Write and seal the manifest; returns it."""
        manifest = {"format": FORMAT, **facts, "parts": self._parts}
        text = json.dumps(manifest, indent=1, sort_keys=True).encode()
        key = key_lines()[0]
        seal = {"key_id": key_files.parse_key(key).id, "hmac": _hmac(key, text)}
        self._zip.writestr(MANIFEST, text)
        self._zip.writestr(SEAL, json.dumps(seal))
        return manifest


class _Counted:
    """Counts and hashes what passes through."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)

    def facts(self) -> dict[str, Any]:
        return {"size": self.size, "sha256": self._hash.hexdigest()}


class Reader:
    """An archive whose outside is sound. `is_sealed`: with a key of ours."""

    def __init__(self, path: Path) -> None:
        """Raises Unfit, OperationFailed when the file cannot be opened."""
        try:
            self._zip = zipfile.ZipFile(path)
        except OSError as exc:
            raise OperationFailed(f"{path} cannot be read ({exc.strerror}).") from None
        except _DAMAGE:
            raise Unfit(f"{path} is not a backup, or it is cut off.") from None
        try:
            self.manifest, self.is_sealed = self._read_manifest()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def parts(self) -> dict[str, dict[str, Any]]:
        """Name → facts, as the manifest has them."""
        return dict(self.manifest["parts"])

    @property
    def size(self) -> int:
        """Bytes of all parts, unpacked."""
        return sum(facts["size"] for facts in self.parts.values())

    def pieces(self, name: str) -> Iterator[bytes]:
        """The bytes of a part. Raises Unfit at its end when they are not those of then."""
        facts = self.parts[name]
        seen, size = hashlib.sha256(), 0
        try:
            with self._zip.open(name) as file:
                while piece := file.read(PIECE_BYTES):
                    size += len(piece)
                    if size > facts["size"]:  # a bomb, or simply not ours
                        raise Unfit(f"{name} is larger than the backup says.")
                    seen.update(piece)
                    yield piece
        except _DAMAGE as exc:
            raise Unfit(f"{name} is damaged ({type(exc).__name__}).") from None
        if size != facts["size"] or seen.hexdigest() != facts["sha256"]:
            raise Unfit(f"{name} is not what was saved.")

    def _read_manifest(self) -> tuple[dict[str, Any], bool]:
        infos = self._zip.infolist()
        names = [info.filename for info in infos]
        if len(set(names)) != len(names):
            raise Unfit("The file holds a name twice: it is not one of our backups.")
        for info in infos:
            mode = info.external_attr >> 16
            is_plain = (
                stat.S_IFMT(mode) in (0, stat.S_IFREG)
                and info.compress_type == zipfile.ZIP_DEFLATED
            )
            is_known = info.filename in (MANIFEST, SEAL) or _PART.match(info.filename)
            if not is_plain or not is_known:
                raise Unfit(
                    f"The file holds {info.filename[:80]!r}, which none of our backups does."
                )
        text = self._small(MANIFEST)
        manifest = _parsed(text)
        if set(manifest["parts"]) != set(names) - {MANIFEST, SEAL}:
            raise Unfit("The parts of the file are not those of its manifest.")
        return manifest, self._is_sealed(text)

    def _is_sealed(self, text: bytes) -> bool:
        try:
            seal = json.loads(self._small(SEAL))
            key_id, given = str(seal["key_id"]), str(seal["hmac"])
        except (ValueError, KeyError, TypeError):
            raise Unfit("The seal of the backup cannot be read.") from None
        for line in key_lines():
            if key_files.parse_key(line).id == key_id:
                if hmac.compare_digest(_hmac(line, text).encode(), given.encode()):
                    return True
                raise Unfit("The backup was altered: its seal does not fit.")
        return False

    def _small(self, name: str) -> bytes:
        try:
            if self._zip.getinfo(name).file_size > _MAX_MANIFEST_BYTES:
                raise Unfit(f"{name} is too large.")
            return self._zip.read(name)
        except KeyError:
            raise Unfit(
                f"There is no {name}: not a backup, or one that never ended."
            ) from None
        except _DAMAGE:
            raise Unfit(f"{name} is damaged.") from None


class _Part(msgspec.Struct):
    size: Annotated[int, msgspec.Meta(ge=0)]
    sha256: str
    rows: int = 0
    columns: list[str] = []


class _Manifest(msgspec.Struct):
    """The shape that the rest of this package relies on."""

    format: Literal["maestro-backup-1"]
    vendor: Literal["sqlite", "postgresql"]
    made_at: str
    version: str
    migrations: list[tuple[str, str]]
    keys: dict[str, int]
    rows: int
    parts: dict[str, _Part]
    installation: str = ""  # whose it is; not told by earlier versions
    sequences: dict[str, int] = {}


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = msgspec.to_builtins(
            msgspec.json.decode(text, type=_Manifest)
        )
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unfit(
            f"The manifest cannot be read: this version reads {FORMAT}."
        ) from None
    return manifest


def key_lines() -> list[str]:
    """The encryption keys as text, newest first. Raises KeysMissing."""
    from django.conf import settings

    given = list(getattr(settings, "MAESTRO_ENCRYPTION_KEYS", None) or ())
    found = given or key_files.read_lines(crypto.key_file())
    if not found:
        raise key_files.KeysMissing("there is no encryption key")
    return found


def _hmac(line: str, text: bytes) -> str:
    """Under a key derived for this purpose only: what seals never encrypts."""
    raw = key_files.parse_key(line).raw
    derived = hmac.digest(raw, b"maestro backup seal 1", "sha256")
    return hmac.new(derived, text, "sha256").hexdigest()
