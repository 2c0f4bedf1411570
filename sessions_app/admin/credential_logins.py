"""Logging in at a vendor from the admin: choose, open the vendor's page, answer, done.

The pages work without a script. One that may finish by itself (device code, listener, our
own callback) reloads; the field to paste into is then on a page of its own, because a
reload would take away what was typed.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.urls import URLPattern, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from sessions_app.admin.login_forms import AnswerForm, LoginAgainForm, LoginForm, offers
from sessions_app.admin.pages import REFUSALS, CredentialPages, to_row, user_of
from sessions_app.errors import ServiceError
from sessions_app.models import PendingLogin
from sessions_app.models.authentication import SavedAuthentication
from sessions_app.services.logins import logging_in
from sessions_app.services.logins.results import view

BEGIN = "admin:sessions_app_credential_login"
WAIT = "admin:sessions_app_credential_login_wait"


class LoginPages(CredentialPages):
    """A login belongs to the person and to the browser session that began it."""

    wait_template = "admin/sessions_app/credential_login.html"

    def login_urls(self) -> list[URLPattern]:
        """Pages of a login."""
        one = "login/<uuid:login_id>/"
        return [
            self.page("login/", self.login_view, "login"),
            self.page(one, self.wait_view, "login_wait"),
            self.page(f"{one}answer/", self.answer_view, "login_answer"),
            self.page(f"{one}cancel/", self.cancel_view, "login_cancel"),
            self.page("<uuid:row_id>/again/", self.again_view, "again"),
        ]

    def login_view(self, request: HttpRequest) -> HttpResponse:
        """A new credential by a login."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = LoginForm(request.POST or None, user=user_of(request))

        def begin(values: dict[str, Any]) -> HttpResponse:
            return self._begin(request, values)

        return self.form_page(
            request,
            form,
            "Log in at a vendor",
            begin,
            submit="Begin",
            methods=offers(),
            is_login=True,
        )

    def again_view(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """New tokens for a credential that is there; its name and id stay."""
        row = self.row(request, row_id)
        form = LoginAgainForm(request.POST or None, credential=row)

        def begin(values: dict[str, Any]) -> HttpResponse:
            answer = self._begin(request, values | {"credential_id": row_id})
            self.log_change(request, row, "New login begun.")
            return answer

        return self.form_page(
            request,
            form,
            f"Log in again for {row}",
            begin,
            submit="Begin",
            methods=[m for m in offers() if m.provider == row.provider],
        )

    def wait_view(self, request: HttpRequest, login_id: UUID) -> HttpResponse:
        """The way to the vendor while the login waits; afterwards how it ended."""
        try:
            row = logging_in.poll(**_who(request), login_id=login_id)
        except REFUSALS as exc:
            return self._over(request, exc)
        return self._wait(request, row, AnswerForm())

    @method_decorator(sensitive_post_parameters("answer"))
    def answer_view(self, request: HttpRequest, login_id: UUID) -> HttpResponse:
        """What the person pasted."""
        if request.method != "POST":
            return HttpResponseRedirect(reverse(WAIT, args=[login_id]))
        form = AnswerForm(request.POST)
        try:
            if form.is_valid():
                row = logging_in.answer(
                    **_who(request),
                    login_id=login_id,
                    text=form.cleaned_data["answer"],
                )
            else:
                row = logging_in.poll(**_who(request), login_id=login_id)
        except ServiceError as exc:
            if exc.field != "answer":
                return self._over(request, exc)
            form.add_error("answer", exc.message)  # the login still waits
            try:
                row = logging_in.poll(**_who(request), login_id=login_id)
            except REFUSALS as gone:
                return self._over(request, gone)
        return self._wait(request, row, form)

    def cancel_view(self, request: HttpRequest, login_id: UUID) -> HttpResponse:
        """Nobody waits for it any more."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            logging_in.cancel(**_who(request), login_id=login_id)
        except REFUSALS as exc:
            return self._over(request, exc)
        self.message_user(request, "The login was cancelled.", messages.INFO)
        return HttpResponseRedirect(reverse(BEGIN))

    # -- parts --------------------------------------------------------------------------

    def _begin(self, request: HttpRequest, values: dict[str, Any]) -> HttpResponse:
        row = logging_in.begin(**_who(request), **values)
        return HttpResponseRedirect(reverse(WAIT, args=[row.pk]))

    def _wait(
        self, request: HttpRequest, row: PendingLogin, form: AnswerForm
    ) -> HttpResponse:
        shown = view(row)
        if row.status == PendingLogin.Status.DONE and row.result is not None:
            return self._done(request, row, row.result)
        own = f"{settings.MAESTRO_URL}/oauth/callback/"
        finishes_alone = bool(
            shown["user_code"]
            or shown["is_listening"]
            or shown["redirect_uri"].startswith(own)
        )
        pastes = shown["answer"] != "device" and (
            not finishes_alone or form.is_bound or "paste" in request.GET
        )
        is_waiting = shown["status"] == "waiting"
        again = row.again_id
        return self.render(
            request,
            self.wait_template,
            title=f"Log in: {row.provider}/{row.name}",
            login=shown,
            form=form,
            is_waiting=is_waiting,
            pastes=pastes,
            may_paste=shown["answer"] != "device",
            reloads=shown["status"] == "working" or (is_waiting and not pastes),
            start_url=reverse("admin:sessions_app_credential_again", args=[again])
            if again
            else reverse(BEGIN),
        )

    def _done(
        self, request: HttpRequest, row: PendingLogin, saved: SavedAuthentication
    ) -> HttpResponse:
        """On to the credential. Its history says so once, however often this is asked."""
        said = f"Logged in at the vendor ({str(row.pk)[:8]})."
        entries = LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(saved),
            object_id=str(saved.pk),
        )
        if not entries.filter(change_message=said).exists():
            (self.log_change if row.again_id else self.log_addition)(
                request, saved, said
            )
        is_ok = saved.state == SavedAuthentication.State.OK
        level = messages.SUCCESS if is_ok else messages.WARNING
        self.message_user(request, f"{saved}: {row.message}", level)
        return to_row(saved.pk)

    def _over(self, request: HttpRequest, exc: Any) -> HttpResponse:
        """Somebody else's, too old, or gone: in the same words."""
        self.message_user(request, exc.message, messages.ERROR)
        return HttpResponseRedirect(reverse(BEGIN))


def _who(request: HttpRequest) -> dict[str, Any]:
    """What binds a login to this browser."""
    return {
        "user": user_of(request),
        "session_key": request.session.session_key or "",
    }
