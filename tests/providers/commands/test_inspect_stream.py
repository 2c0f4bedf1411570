"""`manage.py inspect_stream`: what it prints, and how it ends."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.providers.dialects.wires import chunks, delta
from tests.recordings import CHECKOUT

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
CALL = {"index": 0, "id": "c1", "function": {"name": "add", "arguments": '{"a":1}'}}
WHOLE = chunks(
    delta(reasoning="Hm"),
    delta(content="Olá"),
    delta(tool_calls=[CALL]),
    delta("tool_calls"),
    {"choices": [], "usage": USAGE},
)
CUT = chunks(delta(content="Hel"), delta(tool_calls=[CALL]), done=False)
BROKEN = chunks(
    delta(content="Hel"), {"error": {"type": "server_error", "message": "Boom."}}
)


def saved(tmp_path: Path, **streams: bytes) -> list[str]:
    for name, body in streams.items():
        (tmp_path / name).write_bytes(body)
    return [str(tmp_path / name) for name in streams]


def inspect(*files: str, as_json: bool = True) -> tuple[int, str]:
    """(exit status, what was printed)."""
    out = io.StringIO()
    try:
        call_command(
            "inspect_stream", *files, dialect="openai_chat", json=as_json, stdout=out
        )
    except SystemExit as exc:
        assert isinstance(exc.code, int)
        return exc.code, out.getvalue()
    return 0, out.getvalue()


def documents(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines()]


def test_it_prints_what_a_stream_means(tmp_path: Path) -> None:
    status, printed = inspect(*saved(tmp_path, a=WHOLE))

    assert status == 0
    assert documents(printed) == [
        {
            "text": "Olá",
            "reasoning": "Hm",
            "tool_calls": [{"id": "c1", "name": "add", "arguments": {"a": 1}}],
            "usage": {
                "input_tokens": 3,
                "output_tokens": 2,
                "cached_input_tokens": None,
                "reasoning_tokens": None,
            },
            "usage_raw": USAGE,
            "stop_reason": "tool_use",
            "stop_reason_raw": "tool_calls",
            "error": None,
            "events": 8,
        }
    ]


def test_it_prints_one_document_a_line_in_the_order_of_the_files(
    tmp_path: Path,
) -> None:
    status, printed = inspect(*saved(tmp_path, b=BROKEN, a=WHOLE, c=CUT))

    assert status == 3
    assert [document["text"] for document in documents(printed)] == [
        "Hel",
        "Olá",
        "Hel",
    ]


def test_an_error_is_told_in_the_vendors_words(tmp_path: Path) -> None:
    status, printed = inspect(*saved(tmp_path, a=BROKEN))
    (document,) = documents(printed)

    assert status == 3
    assert document["error"] == {"type": "server_error", "message": "Boom."}
    assert document["stop_reason"] is None


def test_a_cut_is_an_error_and_an_unfinished_call_no_call(tmp_path: Path) -> None:
    status, printed = inspect(*saved(tmp_path, a=CUT))
    (document,) = documents(printed)

    assert status == 3
    assert document["error"]["type"] == "stream_cut"
    assert document["tool_calls"] == []
    assert document["usage"] is None


def test_an_empty_file_is_a_cut(tmp_path: Path) -> None:
    status, printed = inspect(*saved(tmp_path, a=b""))

    assert status == 3
    assert documents(printed)[0]["error"]["type"] == "stream_cut"


def test_it_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(WHOLE)))
    status, printed = inspect("-")

    assert status == 0
    assert documents(printed)[0]["text"] == "Olá"


def test_without_json_it_is_written_for_a_person(tmp_path: Path) -> None:
    status, printed = inspect(*saved(tmp_path, a=WHOLE, b=CUT), as_json=False)

    assert status == 3
    assert "Olá" in printed
    assert 'tool call c1: add {"a":1}' in printed
    assert "finished: tool_use (tool_calls)" in printed
    assert "error: stream_cut: " in printed


def test_a_captured_answer_cannot_drive_the_terminal(tmp_path: Path) -> None:
    files = saved(
        tmp_path, a=chunks(delta(content="\x1b]0;title\x07\x9b2J"), done=False)
    )
    _, printed = inspect(*files, as_json=False)

    assert not {"\x1b", "\x07", "\x9b"} & set(printed)


@pytest.mark.parametrize(
    ("files", "words"),
    [(["nowhere.sse"], "There is no file"), (["-", "-"], "once"), (["."], "no file")],
)
def test_bad_usage_is_refused_before_anything_is_printed(
    tmp_path: Path, files: list[str], words: str
) -> None:
    out = io.StringIO()
    with pytest.raises(CommandError, match=words) as refused:
        call_command(
            "inspect_stream",
            *saved(tmp_path, a=WHOLE),
            *files,
            dialect="openai_chat",
            json=True,
            stdout=out,
        )

    assert refused.value.returncode == 2
    assert out.getvalue() == ""


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "manage.py", "inspect_stream", *arguments],
        cwd=CHECKOUT,
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_as_a_program_it_ends_with_its_status() -> None:
    assert run("--dialect", "openai_chat", "--json", "-", stdin=WHOLE).returncode == 0
    assert run("--dialect", "openai_chat", "--json", "-", stdin=CUT).returncode == 3

    unknown = run("--dialect", "morse", "-")
    assert unknown.returncode == 2
    assert b"openai_responses" in unknown.stderr
    assert run("--dialect", "openai_chat").returncode == 2
