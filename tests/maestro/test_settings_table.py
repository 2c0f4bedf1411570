"""docs/settings.md says what maestro/env.py does, and the settings can be read."""

import json
import re
from pathlib import Path

import pytest
import structlog
from django.conf import settings
from django.core.management import call_command

from maestro import env, log_config

DOCS = Path(settings.BASE_DIR) / "docs" / "settings.md"


def test_the_documented_settings_are_the_ones_the_code_reads():
    assert env.as_markdown() in DOCS.read_text()


def test_every_variable_named_in_the_code_is_in_the_table():
    named = set()
    for path in Path(settings.BASE_DIR).glob("*/**/*.py"):
        if path.parts[-2] != "tests" and ".venv" not in path.parts:
            named |= set(re.findall(r"read\(\"(MAESTRO_[A-Z_]+)\"\)", path.read_text()))
    assert named
    assert named <= set(env.SETTINGS)


def test_a_value_of_the_wrong_type_names_the_variable_and_not_the_value(monkeypatch):
    monkeypatch.setenv("MAESTRO_MAX_CONCURRENT_RUNS", "many-secret-things")
    with pytest.raises(env.SettingError) as caught:
        env.read("MAESTRO_MAX_CONCURRENT_RUNS")
    assert "MAESTRO_MAX_CONCURRENT_RUNS" in str(caught.value)
    assert "many-secret-things" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAESTRO_KEEP_USAGE_DAYS", "-1"),  # not "for ever": all of today's, every hour
        ("MAESTRO_KEEP_AUDITS_DAYS", "999999"),  # before the year 1
        ("MAESTRO_RESERVE_OUTPUT_TOKENS", "-5000"),
    ],
)
def test_a_number_that_means_nothing_stops_the_start(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(env.SettingError, match=name):
        env.read(name)


@pytest.mark.parametrize(
    ("log_format", "level", "words"),
    [
        ("jsonl", "INFO", "MAESTRO_LOG_FORMAT is one of auto, json, text"),
        ("json", "WARN", "MAESTRO_LOG_LEVEL is one of DEBUG, INFO, WARNING, ERROR"),
    ],
)
def test_a_wrong_word_for_the_logs_stops_the_start(log_format, level, words):
    with pytest.raises(env.SettingError, match=words):
        log_config.dict_config(log_format, level)


def test_words_for_the_logs_may_be_large_or_small():
    config = log_config.dict_config("JSON", "warning")
    assert config["root"]["level"] == "WARNING"
    *_, renderer = config["formatters"]["structured"]["processors"]
    assert isinstance(renderer, structlog.processors.JSONRenderer)


def test_a_secret_may_come_from_a_file(monkeypatch, tmp_path):
    (tmp_path / "token").write_text("from-a-file\n")
    monkeypatch.setenv("MAESTRO_METRICS_TOKEN_FILE", str(tmp_path / "token"))
    assert env.read("MAESTRO_METRICS_TOKEN") == "from-a-file"


def test_the_config_command_masks_secrets(monkeypatch, capsys):
    monkeypatch.setenv("MAESTRO_METRICS_TOKEN", "canary-token-1234")
    call_command("config", "--json")
    out = capsys.readouterr().out
    assert "canary-token-1234" not in out
    assert json.loads(out)["MAESTRO_METRICS_TOKEN"]["value"] == "(set)"
