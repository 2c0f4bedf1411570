"""An audit from end to end. No Django, no storage.

    source ─▶ pieces ─▶ asked (working.py, asking.py) ─▶ claims ─▶ report (making.py)

Called by `provider.audit_code`, which brings the way to a vendor.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from providers import catalogue
from providers.audit.asking import Asker, AuditFailed, Heard, Notice, OpenStream
from providers.audit.making import Making
from providers.audit.options import AuditOptions
from providers.audit.report import (
    AuditReport,
    AuditUsage,
)
from providers.audit.source import Source, read_source
from providers.audit.split import Piece, piece_tokens, split
from providers.audit.working import Work
from providers.errors import ConfigurationError
from providers.retry import Limits
from providers.types import Credential


def run_audit(
    credential: Credential,
    model: str,
    source: str | Mapping[str, str],
    options: AuditOptions,
    open_stream: OpenStream,
    *,
    limits: Limits | None = None,
) -> AuditReport:
    """The report. Raises ProviderError where nothing at all could be judged: the first
    error of a vendor, or AuditFailed."""
    read = read_source(
        source,
        kind=options.kind,
        name=options.name,
        paths=options.paths,
        languages=options.languages,
    )
    making = Making(credential, model, read, options)
    pieces = _pieces(credential, model, read, options)
    heard = _asked(pieces, making, open_stream, limits or Limits())
    _raise_if_nothing_was_judged(heard, making.usage(heard))
    return making.report(heard)


def _asked(
    pieces: Sequence[Piece],
    making: Making,
    open_stream: OpenStream,
    limits: Limits,
) -> list[Heard]:
    """What the vendor said of each piece, several at a time."""
    options = making.options
    cancel = options.cancel or threading.Event()
    on_report = options.on_report

    def on_heard(heard: Sequence[Heard]) -> None:
        if on_report is not None:
            on_report(making.report(heard))

    def new_asker(notice: Notice) -> Asker:
        return Asker(
            open_stream,
            cancel=cancel,
            limits=limits,
            floor=options.severity_floor,
            is_diff=making.source.kind == "diff",
            notice=notice,
        )

    work = Work(
        pieces,
        new_asker,
        cancel=options.cancel,
        on_progress=options.on_progress,
        on_heard=on_heard,
        after_thread=options.after_thread,
    )
    return work.ask_all(options.parallel)


def _pieces(
    credential: Credential, model: str, source: Source, options: AuditOptions
) -> list[Piece]:
    """Raises ConfigurationError before anything is spent on a source that is too large."""
    facts = options.facts or catalogue.lookup(credential.provider, model)
    pieces = split(source.files, options.piece_tokens or piece_tokens(facts))
    if len(pieces) > options.max_requests:
        raise ConfigurationError(
            f"This source takes {len(pieces)} requests, more than max_requests "
            f"({options.max_requests}). Choose fewer paths, or allow more.",
            provider=credential.provider,
        )
    return pieces


def _raise_if_nothing_was_judged(heard: Sequence[Heard], usage: AuditUsage) -> None:
    if any(one.claims for one in heard) or any(one.stopped for one in heard):
        return
    error = next(error for one in heard for _, error in one.failed)
    if isinstance(error, AuditFailed):
        error.usage = usage
    raise error
