"""Tool intents for auditors: list, filter, search, export. Nothing here changes a row."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from context_app.models import ToolIntent
from context_app.services import chain

if TYPE_CHECKING:  # generic for the type checker only
    _ModelAdmin = admin.ModelAdmin[ToolIntent]
else:
    _ModelAdmin = admin.ModelAdmin

COLUMNS = (
    "created_at", "person_name", "provider", "model", "tool", "target", "purpose", "scope",
    "declared_risk", "computed_risk", "effective_risk", "state", "decision",
    "decision_why", "decided_by_name", "decided_at", "words", "arguments_hash",
    "run_ref", "conversation_ref", "id",
)  # fmt: skip
SHOWN = (
    *COLUMNS[:-1],
    "step",
    "call_id",
    "shown_arguments",
    "result",
    "started_at",
    "finished_at",
    "record",
)

EVENT_COLUMNS = ("number", "state", "facts", "at", "previous", "hash")


class _Echo:
    """What `csv` writes to: it gives the line back."""

    def write(self, line: str) -> str:
        return line


@admin.register(ToolIntent)
class ToolIntentAdmin(_ModelAdmin):
    """What models asked to do, who decided, and what came of it."""

    list_display = (
        "created_at", "person_name", "tool", "short_target", "purpose", "declared_risk",
        "computed_risk", "state", "decision", "decision_why", "decided_by_name",
        "decided_at",
    )  # fmt: skip
    list_filter = (
        "state",
        "decision",
        "computed_risk",
        "declared_risk",
        "purpose",
        "tool",
        "provider",
    )
    search_fields = ("scope", "target", "tool", "person_name", "decided_by_name")
    date_hierarchy = "created_at"
    list_per_page = 100
    show_full_result_count = False
    actions = ("export_csv", "export_json", "verify_record")
    fields = SHOWN
    readonly_fields = SHOWN

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="target")
    def short_target(self, row: ToolIntent) -> str:
        """The beginning of what it touches."""
        return row.target[:80]

    @admin.display(description="arguments, as the model sent them")
    def shown_arguments(self, row: ToolIntent) -> SafeString:
        """Escaped, one a line."""
        text = json.dumps(row.arguments, indent=1, ensure_ascii=False)
        return format_html("<pre>{}</pre>", text)

    @admin.display(description="record")
    def record(self, row: ToolIntent) -> SafeString:
        """The events of the chain, oldest first."""
        events = row.events.order_by("number")
        return format_html_join(
            "", "<p>{} {} {} <code>{}</code></p>",
            ((e.number, e.at[:19], e.state, e.hash[:16]) for e in events),
        )  # fmt: skip

    @admin.action(description="Export selected as CSV", permissions=["view"])
    def export_csv(
        self, request: HttpRequest, rows: QuerySet[ToolIntent]
    ) -> StreamingHttpResponse:
        """Cells that a spreadsheet would run begin with an apostrophe."""
        writer = csv.writer(_Echo())

        def lines() -> Iterator[str]:
            yield writer.writerow(COLUMNS)
            for row in rows.order_by("created_at").iterator(chunk_size=500):
                yield writer.writerow([_cell(getattr(row, name)) for name in COLUMNS])

        return _file(lines(), "intents.csv", "text/csv; charset=utf-8")

    @admin.action(description="Export selected as JSON lines", permissions=["view"])
    def export_json(
        self, request: HttpRequest, rows: QuerySet[ToolIntent]
    ) -> StreamingHttpResponse:
        """One object a line, with arguments, result and events: who has all of them can
        verify the record without us (docs/tools.md)."""
        whole = rows.order_by("created_at").prefetch_related("events")

        def lines() -> Iterator[str]:
            for row in whole.iterator(chunk_size=500):
                names = (*COLUMNS, "arguments", "result")
                found = {name: getattr(row, name) for name in names}
                found["events"] = [
                    {name: getattr(event, name) for name in EVENT_COLUMNS}
                    for event in row.events.all()
                ]
                yield json.dumps(found, default=str, ensure_ascii=False) + "\n"

        return _file(lines(), "intents.jsonl", "application/x-ndjson")

    @admin.action(description="Verify the whole record", permissions=["view"])
    def verify_record(
        self, request: HttpRequest, rows: QuerySet[ToolIntent]
    ) -> HttpResponse | None:
        """Walk the chain; whatever is selected."""
        fault = chain.verify()
        if fault is None:
            self.message_user(request, "The record is as it was written.")
        else:
            text = f"{fault.table} {fault.row}: {fault.why}."
            self.message_user(request, text, level=messages.ERROR)
        return None


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _file(lines: Iterator[str], name: str, kind: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response
