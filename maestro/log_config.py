"""Logs: one record per event, JSON lines for machines or text for a terminal.

The message is an event name, the facts are in `extra`; request and run ids come from
structlog's context. A last processor masks what looks like a secret, so that a mistake
elsewhere does not become a leak here. Libraries that print tokens at DEBUG are capped.
Nothing that came from outside begins a line, paints the terminal or turns text around.
"""

from __future__ import annotations

import logging
import logging.config
import re
import sys
from asyncio import CancelledError
from typing import Any

import structlog

from maestro.env import SettingError
from providers.http.redact import redact

_FORMATS = ("auto", "json", "text")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

# These print URLs, bodies or tokens at DEBUG; nothing we need comes below INFO.
_CAPPED = (
    "urllib3",
    "requests_oauthlib",
    "oauthlib",
    "daphne",
    "django.channels",
    "django.db.backends",
    "autobahn",
    "twisted",
)


# The one-time set-up link is a key while it is good.
_ONE_TIME_LINK = re.compile(r"(/(?:setup|join|reset)/)[^/\s'\"]+")
_PLAIN = (int, float, bool, list, tuple, dict, type(None))


def _mask(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    for key, value in event.items():
        if key.startswith("_") or isinstance(value, _PLAIN):
            continue
        # Objects too: Django logs its request, whose repr holds the path.
        text = value if isinstance(value, str) else repr(value)
        event[key] = _ONE_TIME_LINK.sub(r"\1…", redact(text))
    return event


# Of lines below the first: of a traceback.
INDENT = "    "


def _plain(text: str) -> str:
    """`text` on one line, without what a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(
        ch if ch.isprintable() else ch.encode("unicode_escape").decode() for ch in text
    )


def _one_line(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """For text: JSON escapes by itself. A traceback keeps its lines, set in."""
    for key, value in event.items():
        if key in ("exception", "stack") and isinstance(value, str):
            lines = value.split("\n")
            event[key] = "\n".join(f"{INDENT}{_plain(line)}" for line in lines)
        elif not isinstance(value, int | float | bool | type(None)):
            event[key] = _plain(value if isinstance(value, str) else repr(value))
    return event


class NoHangUps(logging.Filter):
    """Drops what asyncio reports of cancellations: they are no faults.

    A client that hangs up cancels its request; asgiref can leave the thread's future unread
    then, and asyncio writes a traceback of it, which anybody could cause.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], CancelledError))


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _mask,
    ]


def _renderers(log_format: str) -> list[Any]:
    if log_format == "json" or (log_format == "auto" and not sys.stderr.isatty()):
        return [structlog.processors.JSONRenderer()]
    return [_one_line, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]


def dict_config(log_format: str, level: str) -> dict[str, Any]:
    """The `logging` configuration for `MAESTRO_LOG_FORMAT` and `MAESTRO_LOG_LEVEL`.

    Raises SettingError: who asked for less, or for JSON, must not find out too late.
    """
    log_format, level = log_format.lower(), level.upper()
    if log_format not in _FORMATS:
        raise SettingError(f"MAESTRO_LOG_FORMAT is one of {', '.join(_FORMATS)}.")
    if level not in _LEVELS:
        raise SettingError(f"MAESTRO_LOG_LEVEL is one of {', '.join(_LEVELS)}.")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _shared(),
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *_renderers(log_format),
                ],
            }
        },
        "filters": {"no_hang_ups": {"()": NoHangUps}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "structured"}
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": _loggers("WARNING" if level == "ERROR" else "INFO"),
    }


def _loggers(cap: str) -> dict[str, Any]:
    return {
        **{name: {"level": cap} for name in _CAPPED},
        "asyncio": {"level": cap, "filters": ["no_hang_ups"]},
        "django": {"level": "INFO", "propagate": True, "handlers": []},
        # Daphne's own access lines name every path and socket twice.
        "daphne.server": {"level": "WARNING"},
        "django.channels.server": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        "django-q": {"level": "WARNING"},
    }


def apply(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: structlog and the standard library, one way out."""
    logging.config.dictConfig(config)
    structlog.configure(
        processors=[
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
