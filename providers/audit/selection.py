"""Which files of a directory are worth an audit when nobody names them. Pure.

Used by everything that audits a directory: the workspace, the command. A file that is
named by itself is audited whatever it is called.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from providers.audit.languages import language_of

MAX_FILE_BYTES = 400_000  # beyond it a file is data or was made by a program

# Other people's code, and what programs made of ours.
SKIPPED_DIRECTORIES = frozenset(
    {
        "__pycache__", "bower_components", "build", "dist", "env", "node_modules",
        "site-packages", "target", "third_party", "vendor", "venv",
    }
)  # fmt: skip
_MADE = (
    "*.min.js",
    "*.min.css",
    "*_pb2.py",
    "*.pb.go",
    "*.lock.y*ml",
    "pnpm-lock.yaml",
)
# Known languages in which there is nothing to find.
_PROSE = frozenset({"markdown", "json"})


def why_not(path: str, size_bytes: int) -> str:
    """Why a file of a directory is left out, in words; "" for one that is audited."""
    pure = PurePosixPath(path)
    if any(part in SKIPPED_DIRECTORIES for part in pure.parts[:-1]):
        return "it is in a directory of other people's code"
    if any(fnmatchcase(pure.name.lower(), pattern) for pattern in _MADE):
        return "it was made by a program"
    if language_of(path, {}) in ("", *_PROSE):
        return "it is in no language that is audited"
    if size_bytes > MAX_FILE_BYTES:
        return f"it has more than {MAX_FILE_BYTES:,} bytes"
    if not size_bytes:
        return "it is empty"
    return ""
