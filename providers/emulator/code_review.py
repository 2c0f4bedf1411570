"""What the emulated model finds in code: patterns of well-known defects, and set pieces.

It reads the request as a model would: excerpts between markers with file names, lines with
numbers in front. A finding fits the schema of the request: rules that the schema does not
know become `other`.

words in the audited code           the answer
emulate: misfit once                no JSON; when asked again, the findings
emulate: misfit always              JSON of another form, whenever it is asked
emulate: truncated once, always     an answer that ends at the output limit
emulate: declined                   a refusal
emulate: invented                   one more finding, of code that stands nowhere
emulate: wrong lines                right evidence under wrong numbers
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

_HEADER = re.compile(r'<<<[\w-]+ file="((?:[^"\\]|\\.)*)"[^>]*>>>$')
_LINE = re.compile(r" *(\d+)[|+] ?(.*)$")


_Stop = Literal["stop", "length", "refusal"]
_USELESS: list[tuple[str, str, _Stop]] = [
    ("misfit", "Here is what I found:\n\n- nothing that fits a schema", "stop"),
    ("truncated", '{"findings": [{"rule": "logic_err', "length"),
]


class _Defect(NamedTuple):
    pattern: re.Pattern[str]
    rule: str
    severity: str
    explanation: str
    suggestion: str


def _defect(
    pattern: str, rule: str, severity: str, explanation: str, suggestion: str = ""
) -> _Defect:
    return _Defect(re.compile(pattern), rule, severity, explanation, suggestion)


_DEFECTS = [
    _defect(
        r"""(?i)(execute|query|raw)\w*\(\s*(f["']|["'`].*["'`]\s*(%|\+)|`.*\$\{|.*Sprintf)""",
        "sql_injection", "critical",
        "Text from outside becomes part of the statement: a quote in it ends the string "
        "and the rest runs as SQL.", "Pass the values as parameters.",
    ),
    _defect(
        r"shell\s*=\s*True|os\.system\(|exec(Sync)?\(\s*[`\"'].*(\$\{|\+)|system\(\s*\w+\s*\)",
        "command_injection", "critical",
        "The command goes through a shell, which runs whatever follows a semicolon.",
        "Pass the arguments as a list, without a shell.",
    ),
    _defect(
        r"(?<![\w.])eval\(", "code_injection", "critical",
        "Whatever text arrives here is run as code.", "Parse it with a parser of its form.",
    ),
    _defect(
        r"pickle\.loads?\(|yaml\.load\((?!.*Safe)|ObjectInputStream\(",
        "insecure_deserialization", "high",
        "Bytes from outside become objects, whose making can run code.",
        "Use a format that holds only data.",
    ),
    _defect(
        r"""(?i)(password|secret|api_?key|token)\w*\s*(:=|=|:)\s*["'][^"']{6,}["']""",
        "hardcoded_secret", "high",
        "Everybody who can read the source can use this secret.",
        "Read it from the environment.",
    ),
    _defect(
        r"(?i)\b(md5|sha1)\b\s*\(|hashlib\.(md5|sha1)|createHash\(['\"](md5|sha1)",
        "weak_cryptography", "medium", "Collisions for this hash are cheap to make.",
        "Use SHA-256, and a password hash for passwords.",
    ),
    _defect(
        r"verify\s*=\s*False|InsecureSkipVerify:\s*true|rejectUnauthorized:\s*false",
        "disabled_verification", "high",
        "Anybody between the two can pretend to be the other side.", "Leave the check on.",
    ),
    _defect(
        r"\.innerHTML\s*\+?=|dangerouslySetInnerHTML|document\.write\(",
        "cross_site_scripting", "high",
        "Markup in the text becomes part of the page, scripts included.",
        "Set textContent.",
    ),
    _defect(
        r"\b(gets|strcpy|strcat|sprintf)\(", "buffer_overflow", "critical",
        "Nothing stops the copy at the end of the target.", "Use the bounded function.",
    ),
    _defect(
        r"def \w+\(.*=\s*(\[\]|\{\})", "shared_mutable_state", "medium",
        "The default is made once: all calls share it and see what others put there.",
        "Use None, and make a new one inside.",
    ),
    _defect(
        r"except[^:]*:\s*pass|except\s*:\s*$|catch\s*(\(\w*\))?\s*\{\s*\}",
        "swallowed_error", "medium", "The error is lost: nobody learns that it failed.",
        "Catch what can be acted on, and let the rest rise.",
    ),
    _defect(
        r",\s*_\s*:?=\s*\w+[\w.]*\(", "swallowed_error", "medium",
        "The error is thrown away, and the value is used as if all was well.",
        "Check the error.",
    ),
    _defect(
        r"<=\s*[\w.]+\.(length|size\(\))\s*;|<=\s*len\(\w+\)", "off_by_one", "medium",
        "The last round reads behind the end.", "Compare with `<`.",
    ),
    _defect(
        r"(?<!with )\b\w+ = open\(", "resource_leak", "low",
        "When something fails before close, the file stays open.", "Use `with`.",
    ),
    _defect(
        r"(?i)ignore (all )?(the )?(previous|prior|above) instructions", "prompt_injection",
        "medium", "The text addresses a reviewer or a language model.", "Remove it.",
    ),
]  # fmt: skip


def review(texts: list[str], schema: dict[str, Any]) -> tuple[str, _Stop]:
    """(the answer's text, its stop reason) to the user messages of a conversation.

    The first one holds the source; a second one is a complaint about our answer.
    """
    source = texts[0] if texts else ""
    is_again = len(texts) > 1
    if "emulate: declined" in source:
        return "I can't help with that.", "refusal"
    for word, text, stop in _USELESS:
        if f"emulate: {word} always" in source:
            is_plain = not is_again or stop == "length"
            return text if is_plain else '{"results": []}', stop
        if f"emulate: {word} once" in source and not is_again:
            return text, stop
    found = [_fitting(finding, schema) for finding in _findings(source)]
    return json.dumps({"findings": found}, ensure_ascii=False), "stop"


def _findings(source: str) -> Iterator[dict[str, Any]]:
    off = 40 if "emulate: wrong lines" in source else 0
    file = ""
    for raw in source.splitlines():
        header = _HEADER.match(raw)
        if header:
            file = json.loads(f'"{header[1]}"')
            if "emulate: invented" in source:
                yield _finding(file, 3, "launch(missiles, at=dawn)", _DEFECTS[2])
            continue
        line = _LINE.match(raw)
        for defect in _DEFECTS if line and file else ():
            if line and defect.pattern.search(line[2]):
                yield _finding(file, int(line[1]) + off, line[2].strip(), defect)


def _finding(file: str, number: int, evidence: str, defect: _Defect) -> dict[str, Any]:
    return {
        "rule": defect.rule,
        "severity": defect.severity,
        "confidence": "high",
        "file": file,
        "start_line": number,
        "end_line": number,
        "evidence": evidence,
        "explanation": defect.explanation,
        "suggestion": defect.suggestion,
    }


def _fitting(finding: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The finding with the fields and words that the schema has."""
    fields = schema["properties"]["findings"].get("items", {}).get("properties", {})
    rules = fields.get("rule", {}).get("enum")
    if rules and finding["rule"] not in rules:
        finding["rule"] = "other"
    return {name: value for name, value in finding.items() if name in fields}
