"""The function or class around a line, told by indentation and the words that begin one.

Good enough to tell two functions apart in most languages, and the same before and after a
function was moved; it parses nothing, so broken code and diffs have symbols too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from providers.audit.diff import Line

_MODIFIERS = (
    r"(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|"
    r"override|virtual|inline|pub(?:\([a-z]+\))?|unsafe|extern|const|open|sealed)\s+)*"
)
_DEFINITIONS = [
    # def name, class Name, function name, fn name, func name, func (r *T) name, …
    re.compile(
        _MODIFIERS + r"(?:def|class|function\*?|fn|func|fun|sub|struct|interface|trait|"
        r"impl|enum|module|namespace|type|object|procedure)\s+"
        r"(?:\([^)]*\)\s*)?(?:self\.)?([A-Za-z_$][\w$]*(?:(?:\.|::)[\w$]+)*[?!]?)",
        re.IGNORECASE,
    ),
    # const name = (…) => …, name: function (…)
    re.compile(
        _MODIFIERS + r"(?:(?:let|var)\s+)?([A-Za-z_$][\w$]*)\s*[=:]\s*(?:async\s*)?"
        r"(?:function\b|\([^)]*\)\s*=>|[\w$]+\s*=>)"
    ),
    # CREATE FUNCTION name
    re.compile(
        r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE|TRIGGER)\s+([\w.\"]+)",
        re.IGNORECASE,
    ),
    # a method or a C function: words, a name, parentheses, and no end of statement
    re.compile(r"(?:[\w$<>\[\],.:*&?]+\s+)*[*&]*([A-Za-z_$~][\w$:~]*)\s*\([^;]*$"),
]
_NO_NAMES = {
    "and", "assert", "await", "case", "catch", "defer", "do", "elif", "else", "except",
    "for", "foreach", "go", "if", "in", "is", "match", "new", "not", "or", "print", "return",
    "sizeof", "switch", "throw", "until", "when", "while", "with", "yield",
}  # fmt: skip
_LONGEST = 400  # characters of a line that are looked at


def symbol_at(lines: Sequence[Line], index: int) -> str:
    """The innermost definition around `lines[index]`, itself included; "" for none.

    `index` counts from 0; removed lines of a diff are passed over.
    """
    indent = _indent(lines[index].text) + 1
    for line in reversed(lines[: index + 1]):
        text = line.text
        if line.mark == "-" or not text.strip() or _indent(text) >= indent:
            continue
        name = defined_name(text)
        if name:
            return name
        if not text.lstrip().startswith(("}", ")", "]", "{")):
            indent = _indent(text)
        if indent == 0:
            break
    return ""


def defined_name(text: str) -> str:
    """The name that a line begins to define, "" for none."""
    plain = text.strip()[:_LONGEST]
    for i, pattern in enumerate(_DEFINITIONS):
        found = pattern.match(plain)
        if found is None:
            continue
        is_guess = i == len(_DEFINITIONS) - 1
        first = plain.split("(")[0].split(maxsplit=1)[0]
        if is_guess and not _may_be_definition(plain, found[1], first):
            continue
        return found[1].strip('"')
    return ""


def _may_be_definition(plain: str, name: str, first: str) -> bool:
    """A call looks like a definition too: one has a body, a colon or an arrow after it."""
    if (
        name in _NO_NAMES
        or first in _NO_NAMES
        or "=" in plain.split("(", maxsplit=1)[0]
    ):
        return False
    rest = plain.rstrip()
    return rest.endswith("{") or (
        rest.endswith(")") and " " in plain.split("(", maxsplit=1)[0]
    )


def _indent(text: str) -> int:
    plain = text.expandtabs(4)
    return len(plain) - len(plain.lstrip())
