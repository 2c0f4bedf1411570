"""What a caller may ask of an audit, checked before anything is sent or spent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import msgspec

from providers.audit.report import SEVERITIES, AuditReport, Severity
from providers.chat_stream import ResponseStream
from providers.errors import ConfigurationError
from providers.parameters import check_names, check_types, check_word
from providers.types import Model

# done, total, what happens now. `done` counts pieces of source.
Progress = Callable[[int, int, str], None]
Around = Callable[[ResponseStream, str], ResponseStream]

_KINDS = ("", "text", "files", "diff")


class _Plain(msgspec.Struct, frozen=True, kw_only=True):
    kind: Literal["", "text", "files", "diff"] = ""
    name: str = "source"
    paths: list[str] = []
    languages: dict[str, str] = {}
    max_findings: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 200
    severity_floor: Severity = "info"
    max_requests: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 60
    piece_tokens: Annotated[int, msgspec.Meta(ge=300, le=400_000)] | None = None
    parallel: Annotated[int, msgspec.Meta(ge=1, le=8)] = 1
    idle_timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 300.0
    max_output_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None


class AuditOptions(_Plain, frozen=True, kw_only=True):
    """kind            text, files or diff; "" tells by the form of the source
    name            the path under which a text is reported
    paths           patterns (`src/*.py`); files that fit none are left out
    languages       pattern of paths → language, where the name does not tell
    max_findings    described in the report, the worst first; more are only counted
    severity_floor  what is milder is not asked for
    max_requests    refuse to begin where the source has more pieces than this
    piece_tokens    size of a piece; None goes by the model
    parallel        pieces asked about at once; beyond 1 in threads of their own
    idle_timeout_s  silence of the vendor that is a failure, in seconds
    previous        an earlier report of the same source, to compare with
    facts           what the caller knows of the model: its window and price
    on_progress     called with (done, total, what), by whichever thread has news
    on_report       called with the report so far, as it would be if the audit ended now,
                    whenever a part was judged and others are not yet
    cancel          set it from any thread; the report then says how far it came
    around          called with each request's stream and the model; what it gives back is
                    used instead (a meter)
    after_thread    called in each thread of `parallel` as it ends (a store that holds a
                    database connection per thread closes it there)
    """

    previous: AuditReport | None = None
    facts: Model | None = None
    on_progress: Progress | None = None
    on_report: Callable[[AuditReport], None] | None = None
    cancel: threading.Event | None = None
    around: Around | None = None
    after_thread: Callable[[], None] | None = None


_TYPED: dict[str, type] = {
    "previous": AuditReport,
    "facts": Model,
    "cancel": threading.Event,
}


def check_source(source: object) -> None:
    """Raises ConfigurationError for what is neither text nor texts by path."""
    if isinstance(source, str):
        return
    is_files = isinstance(source, Mapping) and all(
        isinstance(path, str) and isinstance(text, str) for path, text in source.items()
    )
    if not is_files:
        raise ConfigurationError(
            "audit_code(): source must be text, a unified diff, or texts by path."
        )


def read_options(options: Mapping[str, Any]) -> AuditOptions:
    """The options as they were given. Raises ConfigurationError with the nearest name."""
    call = "audit_code"
    names = (*AuditOptions.__struct_fields__, "model", "auth_type")
    check_names(call, options, names)
    if "severity_floor" in options:
        check_word(call, "severity_floor", options["severity_floor"], SEVERITIES)
    if "kind" in options:
        check_word(call, "kind", options["kind"], _KINDS)
    if isinstance(options.get("paths"), str):
        raise ConfigurationError(f"{call}(): paths: Expected array, got str.")
    plain = {k: v for k, v in options.items() if k in _Plain.__struct_fields__}
    check_types(call, plain, _Plain)
    for name, wanted in _TYPED.items():
        value = options.get(name)
        if value is not None and not isinstance(value, wanted):
            raise ConfigurationError(
                f"{call}(): {name} must be {wanted.__name__}, not "
                f"{type(value).__name__}."
            )
    for name in ("on_progress", "on_report", "around", "after_thread"):
        if options.get(name) is not None and not callable(options[name]):
            raise ConfigurationError(f"{call}(): {name} must be callable.")
    return AuditOptions(**options)
