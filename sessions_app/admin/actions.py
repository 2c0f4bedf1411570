"""Buttons of a credential, and the same for several: test, refresh, mode, take back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.urls import URLPattern, reverse
from django_q.tasks import async_task

from sessions_app.admin.pages import LIST, CredentialPages, to_row, user_of
from sessions_app.models.authentication import SavedAuthentication
from sessions_app.services import credentials

if TYPE_CHECKING:
    Rows = QuerySet[SavedAuthentication]


class CredentialActions(CredentialPages):
    """Each is written into the history of its credential."""

    def action_urls(self) -> list[URLPattern]:
        """Pages of these buttons."""
        return [
            self.page("<uuid:row_id>/test/", self.test_view, "test"),
            self.page("<uuid:row_id>/refresh/", self.refresh_view, "refresh"),
            self.page("<uuid:row_id>/mode/", self.mode_view, "mode"),
            self.page("<uuid:row_id>/revoke/", self.revoke_view, "revoke"),
        ]

    def test_view(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """One cheap call to the vendor; then back to where the button was."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._test(request, self.row(request, row_id))
        # The list's button posts the list's form; the page's own says so.
        if "from_page" in request.POST:
            return to_row(row_id)
        return HttpResponseRedirect(reverse(LIST))

    def refresh_view(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """Renew a login now."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        row = self.row(request, row_id)
        result = self.tell(
            request,
            row,
            lambda: credentials.refresh_credential(
                user=user_of(request), credential_id=row_id
            ),
        )
        if result is not None:
            self.log_change(request, row, f"Refresh: {_word(result)}.")
        return to_row(row_id)

    def mode_view(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """Use a login in another mode of its vendor."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        row = self.row(request, row_id)
        mode = request.POST.get("mode", "")
        result = self.tell(
            request,
            row,
            lambda: credentials.choose_mode(
                user=user_of(request), credential_id=row_id, mode=mode
            ),
        )
        if result is not None:  # so it is one of the modes there are
            self.log_change(request, row, f"Mode {mode}: {_word(result)}.")
        return to_row(row_id)

    def revoke_view(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """Take a login back at its vendor, after a question."""
        row = self.row(request, row_id)

        def revoke(_: object) -> HttpResponse:
            result = self.tell(
                request,
                row,
                lambda: credentials.revoke_credential(
                    user=user_of(request), credential_id=row_id
                ),
            )
            if result is not None:
                said = f"Taking it back at the vendor: {_word(result)}."
                self.log_change(request, row, said)
            return to_row(row_id)

        return self.form_page(
            request,
            forms.Form(request.POST if request.method == "POST" else None),
            f"Take back {row}",
            revoke,
            intro="The vendor ends this login. It stays in the list and needs a new "
            "login before it can be used again.",
            submit="Take back",
        )

    @admin.action(description="Test selected credentials", permissions=["change"])
    def test_selected(self, request: HttpRequest, rows: Rows) -> None:
        """One message for each."""
        for row in rows:
            self._test(request, row)

    @admin.action(description="Refresh selected logins", permissions=["change"])
    def refresh_selected(self, request: HttpRequest, rows: Rows) -> None:
        """Left to the worker: vendors may take their time. Tasks carry ids only."""
        chosen = list(rows)
        found = [row for row in chosen if row.auth_type == "oauth"]
        for row in found:
            async_task("sessions_app.tasks.refresh_credential", str(row.pk))
            self.log_change(request, row, "Refresh queued.")
        keys = len(chosen) - len(found)
        said = f"{len(found)} queued for renewal; the list shows how each went."
        if keys:
            said += f" API keys do not expire: {keys} left as they are."
        level = messages.SUCCESS if found else messages.WARNING
        self.message_user(request, said, level)

    def _test(self, request: HttpRequest, row: SavedAuthentication) -> None:
        result = self.tell(
            request,
            row,
            lambda: credentials.check_credential(
                user=user_of(request), credential_id=row.pk
            ),
        )
        if result is not None:
            self.log_change(request, row, f"Test: {_word(result)}.")


def _word(result: credentials.CheckResult) -> str:
    return "ok" if result.is_ok else "failed"
