"""The closed list of rules that findings are filed under, so that two audits agree on words.

Called by the schema (an enum), the prompt, SARIF (titles, CWE) and the comparison. A model
that coins a word of its own gets the nearest rule, else `other`. Adding a rule changes
what models are told: raise PROMPT_VERSION.

Source of the numbers: https://cwe.mitre.org
"""

from __future__ import annotations

import difflib
from typing import NamedTuple


class Rule(NamedTuple):
    """`cwe` is 0 where none fits."""

    title: str
    cwe: int = 0


RULES: dict[str, Rule] = {
    # Security
    "sql_injection": Rule("Untrusted text in an SQL statement", 89),
    "command_injection": Rule("Untrusted text in a shell command", 78),
    "code_injection": Rule("Untrusted text is run as code", 94),
    "cross_site_scripting": Rule("Untrusted text in a page", 79),
    "path_traversal": Rule("Untrusted text in a path", 22),
    "server_side_request_forgery": Rule("Untrusted text decides whom we ask", 918),
    "insecure_deserialization": Rule("Untrusted bytes become objects", 502),
    "hardcoded_secret": Rule("A secret in the source", 798),
    "weak_cryptography": Rule("A broken or misused algorithm", 327),
    "insecure_randomness": Rule("Guessable numbers where secrets are needed", 330),
    "disabled_verification": Rule("A certificate or signature is not checked", 295),
    "missing_authorization": Rule("An action that anybody may take", 862),
    "missing_authentication": Rule("A door without a lock", 306),
    "information_exposure": Rule("Private facts in answers or logs", 200),
    "open_redirect": Rule("People can be sent anywhere", 601),
    "unsafe_configuration": Rule("A dangerous setting", 1188),
    "prompt_injection": Rule("Text that tries to steer a language model", 1427),
    # Memory and numbers
    "buffer_overflow": Rule("Writing or reading past the end", 120),
    "use_after_free": Rule("Memory is used after its end", 416),
    "null_dereference": Rule("Nothing is taken for something", 476),
    "integer_overflow": Rule("A number that does not fit", 190),
    "division_by_zero": Rule("A divisor that may be zero", 369),
    "off_by_one": Rule("One too many or one too few", 193),
    # Behaviour
    "swallowed_error": Rule("An error that nobody hears of", 390),
    "wrong_error_handling": Rule("An error is taken for something else", 755),
    "resource_leak": Rule("Something is opened and never closed", 772),
    "race_condition": Rule("The outcome depends on who comes first", 362),
    "deadlock": Rule("Two wait for each other", 833),
    "shared_mutable_state": Rule("State that several share by accident"),
    "infinite_loop": Rule("A loop without a way out", 835),
    "unbounded_growth": Rule("Something grows without a limit", 770),
    "logic_error": Rule("It does something else than it says"),
    "unreachable_code": Rule("Code that never runs", 561),
    "missing_validation": Rule("Input is believed as it comes", 20),
    "performance": Rule("Much more work than needed", 1050),
    "maintainability": Rule("Hard to read or to change safely"),
    "other": Rule("Something else"),
}


def nearest_rule(word: str) -> str:
    """The rule that a model means by its word."""
    plain = "_".join(word.lower().replace("-", " ").replace("_", " ").split())
    if plain in RULES:
        return plain
    close = difflib.get_close_matches(plain, RULES, n=1, cutoff=0.8)
    return close[0] if close else "other"
