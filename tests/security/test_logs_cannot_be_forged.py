"""F38: what comes from outside is one record of the log, and nothing but that record."""

import json
import logging
import sys

import pytest
import structlog

from maestro import log_config
from tests.sessions_app.factories import make_user, sign_in

FORGED = "2026-01-01T00:00:00Z [error    ] run.finished"
CORPUS = [
    f"name\n{FORGED}",
    f"name\r\n{FORGED}",
    f"name\r{FORGED}",
    f"name\x0b{FORGED}\x0c{FORGED}",
    f"name\x1c{FORGED}\x1d{FORGED}\x1e{FORGED}",
    f"name\x85{FORGED}",
    f"name\u2028{FORGED}\u2029{FORGED}",
    "\x1b[2K\x1b[1A\x1b[31mred\x1b[0m",
    "\x9b31mC1\x9b0m\x9d0;title\x07",
    "back\x08\x08\x08space\x7f",
    '"}\n{"event": "run.finished", "level": "error"}',
    "\\n \\u001b \\",
    "right \u202e to left \u2066 isolate",
    "nul\x00nul",
    "lone \ud800 surrogate",
]


def formatter(log_format):
    """As the configuration of the product makes it."""
    config = log_config.dict_config(log_format, "INFO")["formatters"]["structured"]
    made = {key: value for key, value in config.items() if key != "()"}
    return structlog.stdlib.ProcessorFormatter(**made)


def record(text, **fields):
    made = logging.LogRecord("test", logging.INFO, __file__, 1, text, (), None)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def is_clean(line):
    """No character that begins a line, moves the cursor or turns the text around."""
    return all(ch.isprintable() for ch in line.replace("\t", ""))


@pytest.mark.parametrize("text", CORPUS)
@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_value_stays_in_its_record(log_format, text):
    made = record("thing.happened", conversation=text, names=[text], by={"name": text})
    line = formatter(log_format).format(made)
    assert len(line.splitlines()) == 1
    assert is_clean(line)
    if log_format == "json":
        assert json.loads(line)["event"] == "thing.happened"


@pytest.mark.parametrize("text", CORPUS)
@pytest.mark.parametrize("log_format", ["json", "text"])
def test_so_does_the_message_of_somebody_elses_library(log_format, text):
    line = formatter(log_format).format(record(f"Invalid header: {text}"))
    assert len(line.splitlines()) == 1
    assert is_clean(line)


@pytest.mark.parametrize("text", CORPUS)
@pytest.mark.parametrize("log_format", ["json", "text"])
def test_an_exception_of_many_lines_begins_no_record(log_format, text):
    made = record("run.crashed")
    try:
        raise ValueError(text)
    except ValueError:
        made.exc_info = sys.exc_info()
    first, *rest = formatter(log_format).format(made).splitlines()
    assert "run.crashed" in first
    if log_format == "json":
        assert rest == []
        assert "ValueError" in json.loads(first)["exception"]
    else:
        assert any("ValueError" in line for line in rest)
        assert all(line.startswith(log_config.INDENT) for line in rest)
        assert all(is_clean(line) for line in rest)


@pytest.mark.django_db
def test_requests_log_one_line_each_whatever_they_carry(client, caplog):
    """Paths, request ids, names at the sign-in, titles of conversations."""
    caplog.set_level(logging.DEBUG)
    sign_in(client, make_user("alice"))
    made = client.post("/api/conversations/", {}, content_type="application/json")
    address = f"/api/conversations/{made.json()['conversation']['id']}/"
    for text in CORPUS:
        seen = text.encode("utf-8", "replace").decode()
        client.get("/nothing/", {"q": seen}, headers={"X-Request-Id": seen})
        client.get(f"/nothing/{seen}")
        client.post("/login/", {"username": seen, "password": "x"})
        client.patch(address, {"title": seen}, content_type="application/json")
    assert len(caplog.records) > len(CORPUS)
    for log_format in ("json", "text"):
        made = formatter(log_format)
        for entry in caplog.records:
            first, *rest = made.format(entry).splitlines()
            assert is_clean(first)
            assert all(line.startswith(log_config.INDENT) for line in rest)
