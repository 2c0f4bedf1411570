"""Which language a file is in, by its name: for the prompt, never to decide what is read."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import PurePosixPath

_BY_SUFFIX = {
    "bash": "bash", "c": "c", "cc": "cpp", "clj": "clojure", "cpp": "cpp", "cs": "csharp",
    "css": "css", "cxx": "cpp", "dart": "dart", "erl": "erlang", "ex": "elixir",
    "exs": "elixir", "fs": "fsharp", "go": "go", "groovy": "groovy", "h": "c",
    "hpp": "cpp", "hs": "haskell", "htm": "html", "html": "html", "java": "java",
    "js": "javascript", "json": "json", "jsx": "javascript", "jl": "julia", "kt": "kotlin",
    "lua": "lua", "m": "objective-c", "md": "markdown", "mjs": "javascript", "ml": "ocaml",
    "php": "php", "pl": "perl", "ps1": "powershell", "py": "python", "pyi": "python",
    "r": "r", "rb": "ruby", "rs": "rust", "scala": "scala", "sh": "bash", "sol": "solidity",
    "sql": "sql", "swift": "swift", "tf": "terraform", "toml": "toml", "ts": "typescript",
    "tsx": "typescript", "vue": "vue", "xml": "xml", "yaml": "yaml", "yml": "yaml",
    "zig": "zig",
}  # fmt: skip
_BY_NAME = {"dockerfile": "dockerfile", "makefile": "make", "jenkinsfile": "groovy"}


def language_of(path: str, hints: dict[str, str]) -> str:
    """The language: the first hint (a pattern of paths) that fits, else by the name; ""."""
    for pattern, language in hints.items():
        if fnmatchcase(path, pattern) or fnmatchcase(PurePosixPath(path).name, pattern):
            return language
    name = PurePosixPath(path).name.lower()
    return _BY_NAME.get(name) or _BY_SUFFIX.get(name.rpartition(".")[2], "")
