"""How much harm a command line can do, from a table of what is known to be harmless.

Not a list of what is bad: such lists are always one flag short (`npx -c`, `find -exec`).
A line is medium when every command in it is in the table, with none of the arguments the
table excludes, touching nothing outside the workspace; everything else is high. When this
reading of a line and the shell's could differ, it is high as well.

Grammar: POSIX.1-2017, Shell Command Language, section 2.10; only a small part is accepted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

from context_app.tools import _paths
from context_app.tools.base import Risk


@dataclass(frozen=True, slots=True)
class _Harmless:
    """When a command is harmless. `never`: arguments (or their beginnings, when they are
    long options) that make it write, run or reach something. `first`: when not empty, the
    only words that may come first. `only`: when not empty, what all arguments together
    must fit, one per line.
    """

    never: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    only: str = ""


_READS = _Harmless()
# They run what the workspace holds, as the person would; less what they bring along.
_NOT_CHECKS = (
    "--basetemp",
    "--install-types",
    "--init-hook",
    "-p",
    "-o",
    "--override-ini",
)
_CHECKS = _Harmless(never=_NOT_CHECKS)
_PYTHON = _Harmless(
    first=("-m pytest", "-m unittest", "-m mypy", "--version", "-V"), never=_NOT_CHECKS
)
# fmt: off
_TABLE: dict[str, _Harmless] = {
    **dict.fromkeys(
        (
            "ls", "cat", "head", "tail", "wc", "pwd", "echo", "true", "false", "test", "[",
            "cut", "tr", "nl", "tac", "rev", "paste", "comm", "diff", "cmp", "stat", "du",
            "df", "basename", "dirname", "realpath", "readlink", "which", "md5sum",
            "sha1sum", "sha256sum", "grep", "egrep", "fgrep", "expr", "seq", "cd", "mkdir",
            "touch", "sleep", "whoami", "id", "uname", "hexdump", "od", "strings",
        ),
        _READS,
    ),
    **dict.fromkeys(("pytest", "mypy", "flake8", "pyflakes", "pylint"), _CHECKS),
    "sort": _Harmless(never=("-o", "--output", "--compress-program", "-T")),
    "uniq": _READS,
    "tree": _Harmless(never=("-o",)),
    "file": _Harmless(never=("-C", "--compile", "-m", "--magic-file", "-z", "-Z")),
    "date": _Harmless(never=("-s", "--set")),
    "rg": _Harmless(never=("--pre", "-z", "--search-zip", "--hostname-bin")),
    "find": _Harmless(
        never=("-exec", "-execdir", "-ok", "-okdir", "-delete", "-fprint", "-fprint0",
               "-fprintf", "-fls", "-files0-from")
    ),
    "sed": _Harmless(only=r"-n\n\d+(,\d+)?p(\n\w[\w./-]*)*"),
    "python": _PYTHON,
    "python3": _PYTHON,
    "ruff": _Harmless(first=("check", "format", "--version")),
    "black": _READS,
    "isort": _READS,
    "make": _Harmless(first=("test", "check", "lint"), only=r"test|check|lint"),
    "npm": _Harmless(first=("test", "--version"), only=r"test|--version"),
    "node": _Harmless(first=("--version",), only=r"--version"),
    "go": _Harmless(
        first=("test", "vet", "version"), never=("-exec", "-vettool", "-toolexec")
    ),
    "cargo": _Harmless(first=("test", "check", "--version"), never=("--config",)),
    "git": _Harmless(
        first=("status", "log", "diff", "show", "blame", "rev-parse", "ls-files",
               "describe", "shortlog", "branch --list", "branch --show-current",
               "tag --list", "stash list", "remote -v", "--version"),
        never=("--output", "--ext-diff", "--textconv", "-c", "--exec-path", "--no-index",
               "--open-files-in-pager", "-O", "--git-dir", "--work-tree", "--contents"),
    ),
}
# fmt: on

_BETWEEN = frozenset({";", "&&", "||", "|"})
_REDIRECT = frozenset({">", ">>", "<", ">&"})
_OPERATORS = "();<>|&\n"
_EXPANDS = "$`\\"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# Names of secrets that a pattern such as `*` or `*.k??` could reach.
_SAMPLES = (
    ".env",
    "key.pem",
    "server.key",
    "store.p12",
    "id_rsa",
    "id_ed25519",
    ".netrc",
)
_DEVICE = re.compile(r"/dev/(null|stdout|stderr)\Z")
# A path that leaves the workspace, alone or glued to an option: /x, --f=/x, -I/x, ~, ../x
_OUTSIDE = re.compile(r"(^|[=:,@]|^-\w+)(/|~|\.\.(/|$))|/\.\.(/|$)")


def risk_of(command: object) -> Risk:
    """Medium for what is clearly harmless, else high."""
    return "medium" if isinstance(command, str) and _is_harmless(command) else "high"


def one_line(command: object) -> str:
    """The command in one line, its line breaks visible."""
    return _paths.shown(str(command))


def _is_harmless(command: str) -> bool:
    words = None if _CONTROL.search(command) else _words(command)
    if words is None or all(is_operator for _, is_operator in words):
        return False
    line: list[str] = []
    to_redirect = ""
    for word, is_operator in words:
        if to_redirect:
            if is_operator or not _may_redirect(to_redirect, word):
                return False
            to_redirect = ""
        elif not is_operator:
            line.append(word)
        elif word in _REDIRECT:
            to_redirect = word
        elif word in _BETWEEN:
            if line and not _is_harmless_command(line):
                return False
            line = []
        else:
            return False
    return not to_redirect


def _words(command: str) -> list[tuple[str, bool]] | None:
    """(word, whether it is an operator), or None for what is not read here: expansion,
    escapes, comments, open quotes. In single quotes everything is itself (2.2.2)."""
    words: list[tuple[str, bool]] = []
    word: str | None = None
    quote = operator = ""
    for char in f"{command}\n":
        if quote:
            if quote == '"' and char in _EXPANDS:
                return None
            word, quote = (word, "") if char == quote else (f"{word}{char}", quote)
            continue
        if operator and char not in _OPERATORS:
            words.append((operator.strip("\n") or ";", True))
            operator = ""
        if char in " \t" or char in _OPERATORS:
            if word is not None:
                words.append((word, False))
                word = None
            operator += char.strip(" \t")
        elif char in _EXPANDS or char in "{}" or (char == "#" and word is None):
            return None
        elif char in "'\"":
            quote, word = char, word or ""
        else:
            word = (word or "") + char
    return None if quote else [*words, (operator.strip("\n") or ";", True)]


def _may_redirect(operator: str, target: str) -> bool:
    if operator == ">&":
        return target in ("1", "2")
    return bool(_DEVICE.match(target)) or _is_inside(target)


def _is_harmless_command(line: list[str]) -> bool:
    name, arguments = line[0], line[1:]
    rule = _TABLE.get(name)
    if rule is None or not all(_is_inside(one) for one in arguments):
        return False
    words = "\n".join(arguments)
    if rule.first and not any(_begins(words, first) for first in rule.first):
        return False
    if rule.only and not re.fullmatch(rule.only, words):
        return False
    return not any(_is_excluded(one, rule.never) for one in arguments)


def _begins(words: str, first: str) -> bool:
    return f"{words}\n".startswith(first.replace(" ", "\n") + "\n")


def _is_excluded(argument: str, never: tuple[str, ...]) -> bool:
    """Long options may be shortened and may bring a value; short ones be glued."""
    name = argument.partition("=")[0]
    for option in never:
        if argument == option:
            return True
        if option.startswith("--"):
            if name.startswith("--") and len(name) > 2 and option.startswith(name):
                return True
        elif len(option) == 2:
            if re.match(rf"-\w*{option[1]}", argument):
                return True
        elif name in (option, f"-{option}"):
            return True
    return False


def _is_inside(argument: str) -> bool:
    """Nothing outside the workspace, and nothing inside that is more than a text."""
    if _DEVICE.match(argument):
        return True
    glued = re.sub(r"^-\w", "", argument)  # -fFILE
    names = [name for one in (argument, glued) for name in re.split(r"[/=:,]", one)]
    return not (
        _OUTSIDE.search(argument)
        or any(_paths.is_powerful(name) or _reaches_secrets(name) for name in names)
    )


def _reaches_secrets(name: str) -> bool:
    if not any(char in name for char in "*?["):
        return False
    has_dot = name.startswith(".")  # `*` does not reach hidden names (2.13.3)
    return (has_dot and name != ".") or any(
        fnmatchcase(one, name) for one in _SAMPLES if not one.startswith(".")
    )
