"""`manage.py provider_check`: what it prints, and how it ends."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from providers.conformance.rules import RULES
from providers.interface import Provider
from tests.providers.conformance.broken import SAMPLES

ROOT = Path(__file__).resolve().parents[3]
Install = Callable[[Provider], str]


def run(slug: str, *, as_json: bool = False) -> tuple[int, str]:
    """(exit status, what was printed)."""
    out = io.StringIO()
    try:
        call_command("provider_check", slug, json=as_json, stdout=out)
    except SystemExit as exc:
        assert isinstance(exc.code, int)
        return exc.code, out.getvalue()
    return 0, out.getvalue()


def test_a_good_provider_has_one_line_a_rule_and_status_0() -> None:
    status, printed = run("groq")

    lines = printed.splitlines()
    assert status == 0
    assert lines[0] == "groq (openai_chat)"
    assert [line.split()[:2] for line in lines[1:-1]] == [["ok", r.name] for r in RULES]
    assert lines[-1] == f"{len(RULES)} of {len(RULES)} rules are kept."


def test_a_broken_one_is_shown_with_what_was_seen_and_status_3(
    install: Install,
) -> None:
    status, printed = run(install(SAMPLES["always-stops"].manifest))

    assert status == 3
    assert "broken  end " in printed
    assert "seen: the stop reason “length” became 'stop'" in printed
    assert f"{len(RULES) - 1} of {len(RULES)} rules are kept." in printed


def test_the_verdict_in_json(install: Install) -> None:
    status, printed = run(install(SAMPLES["one-page"].manifest), as_json=True)

    said = json.loads(printed)
    assert status == 3
    assert (said["provider"], said["dialect"], said["ok"]) == (
        "broken-one-page",
        "anthropic_messages",
        False,
    )
    broken = [v for v in said["verdicts"] if v["result"] == "broken"]
    assert [v["rule"] for v in broken] == ["models"]
    assert broken[0]["reason"].startswith("missing: ")
    assert set(broken[0]) == {"rule", "promise", "result", "reason", "took_s"}


def test_an_unknown_provider_is_bad_usage() -> None:
    with pytest.raises(CommandError, match=r"no provider 'nobody'.*Installed:") as told:
        run("nobody")

    assert told.value.returncode == 2


def test_no_emulator_is_not_a_broken_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.conformance.process.sys.executable", "/bin/false")

    with pytest.raises(CommandError, match="did not start") as told:
        run("openai")

    assert told.value.returncode == 1


def test_it_needs_no_database_and_no_network_variable(tmp_path: Path) -> None:
    """As an operator runs it, with a database and a proxy that cannot be reached."""
    environment = os.environ | {
        "MAESTRO_DATA": str(tmp_path),
        "MAESTRO_DATABASE_URL": "postgres://nobody@127.0.0.1:9/nothing",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }
    command = [sys.executable, "manage.py", "provider_check", "anthropic", "--json"]

    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ok"] is True
