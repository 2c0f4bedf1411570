"""The seeded repository: its files, and the defects that were put into it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).with_name("seeded")


class Seed(NamedTuple):
    """One defect: where a correct audit finds it, and around which symbol."""

    file: str
    line: int
    rule: str
    symbol: str


SEEDS = [
    Seed("db/report.sql", 1, "prompt_injection", ""),
    Seed("native/label.c", 8, "buffer_overflow", "copy_label"),
    Seed("service/main.go", 12, "hardcoded_secret", ""),
    Seed("service/main.go", 15, "disabled_verification", "client"),
    Seed("service/main.go", 20, "sql_injection", "stock"),
    Seed("service/main.go", 24, "swallowed_error", "settings"),
    Seed("shop/imports.py", 10, "command_injection", "unpack"),
    Seed("shop/imports.py", 15, "insecure_deserialization", "restore"),
    Seed("shop/imports.py", 20, "weak_cryptography", "checksum"),
    Seed("shop/imports.py", 28, "swallowed_error", "count"),
    Seed("shop/orders.py", 14, "sql_injection", "of_customer"),
    Seed("shop/orders.py", 22, "shared_mutable_state", "add"),
    Seed("web/cart.js", 4, "cross_site_scripting", "show"),
    Seed("web/cart.js", 5, "off_by_one", "show"),
    Seed("web/cart.js", 13, "code_injection", "total"),
]


def seeded_files() -> dict[str, str]:
    """Path → text of every source file; not its README."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(ROOT.rglob("*.*"))
        if path.is_file() and path.name != "README.md"
    }
