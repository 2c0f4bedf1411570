"""Credentials in the admin: list, add, test, rotate, share, delete.

The pages for adding, rotating and sharing are forms of their own, because the row's own
form would have to hold the secret. Every change goes through a service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.debug import sensitive_post_parameters

from providers.errors import ConfigurationError
from sessions_app.admin.forms import AddKeyForm, RotateKeyForm, ShareForm
from sessions_app.errors import ServiceError
from sessions_app.models.authentication import SavedAuthentication
from sessions_app.services import credentials

if TYPE_CHECKING:  # generic for the type checker only
    _ModelAdmin = admin.ModelAdmin[SavedAuthentication]
else:
    _ModelAdmin = admin.ModelAdmin

LIST = "admin:sessions_app_savedauthentication_changelist"
ROW = "admin:sessions_app_savedauthentication_change"
SHOWN = (
    "provider",
    "auth_type",
    "name",
    "base_url",
    "metadata",
    "owner",
    "sharing",
    "is_demo",
    "state",
    "cause",
    "expires_at",
    "last_checked_at",
    "last_used_at",
    "inserted_at",
    "updated_at",
)


@admin.register(SavedAuthentication)
class CredentialAdmin(_ModelAdmin):
    """Shows everything about a credential but its secret."""

    list_display = (
        "name",
        "provider",
        "auth_type",
        "owner",
        "sharing",
        "state",
        "expires_at",
        "last_used_at",
        "test_button",
    )
    list_display_links = ("name",)
    list_filter = (
        "provider",
        "auth_type",
        "state",
        "is_demo",
        "is_shared_with_everyone",
        "team",
    )
    list_select_related = ("owner", "team")
    list_per_page = 100
    search_fields = ("name", "provider", "owner__username", "team__name")
    actions = ("test_selected",)
    fields = SHOWN
    readonly_fields = SHOWN
    change_form_template = "admin/sessions_app/credential.html"
    form_template = "admin/sessions_app/credential_form.html"

    # -- what the list shows ------------------------------------------------------------

    @admin.display(description="shared with")
    def sharing(self, row: SavedAuthentication) -> str:
        """Everyone, a team's name, or nobody."""
        if row.is_shared_with_everyone:
            return "everyone"
        return f"team {row.team}" if row.team else "nobody"

    @admin.display(description="test")
    def test_button(self, row: SavedAuthentication) -> str:
        """A button of the list's own form, which brings the CSRF token."""
        return format_html(
            '<button type="submit" class="button" formaction="{}" '
            'aria-label="Test {}">Test</button>',
            reverse("admin:sessions_app_credential_test", args=[row.pk]),
            row.name,
        )

    @admin.action(description="Test selected credentials", permissions=["change"])
    def test_selected(
        self, request: HttpRequest, rows: QuerySet[SavedAuthentication]
    ) -> None:
        """One message for each."""
        for row in rows:
            self._test(request, row)

    # -- pages --------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        def page(view: Any, word: str) -> URLPattern:
            guarded: Any = self.admin_site.admin_view(view)
            name = f"sessions_app_credential_{word}"
            return cast(URLPattern, path(f"<uuid:row_id>/{word}/", guarded, name=name))

        return [
            page(self.test_view, "test"),
            page(self.rotate_view, "key"),
            page(self.share_view, "share"),
            *super().get_urls(),
        ]

    @method_decorator(sensitive_post_parameters("api_key"))
    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied

        def save(values: dict[str, Any]) -> SavedAuthentication:
            row = credentials.add_api_key(user=_user(request), **values)
            self.log_addition(request, row, "Added.")
            return row

        form = AddKeyForm(request.POST or None)
        return self._form_page(request, form, "Add credential", save)

    @method_decorator(sensitive_post_parameters("api_key"))
    def rotate_view(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """A new key for the same name."""
        row = self._row(request, row_id)

        def save(values: dict[str, Any]) -> SavedAuthentication:
            credentials.rotate_key(user=_user(request), credential_id=row_id, **values)
            self.log_change(request, row, "Key replaced.")
            return row

        form = RotateKeyForm(request.POST or None, credential=row)
        return self._form_page(request, form, f"New key for {row}", save)

    def share_view(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """With a team, with everyone, with nobody."""
        row = self._row(request, row_id)

        def save(values: dict[str, Any]) -> SavedAuthentication:
            changed = credentials.share_credential(
                user=_user(request), credential_id=row_id, **values
            )
            self.log_change(request, row, f"Shared with {self.sharing(changed)}.")
            return changed

        form = ShareForm(request.POST or None, credential=row)
        return self._form_page(request, form, f"Share {row}", save)

    def test_view(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """One cheap call to the vendor; then back to where the button was."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._test(request, self._row(request, row_id))
        # The list's button posts the list's form; the page's own says so.
        if "from_page" in request.POST:
            return HttpResponseRedirect(reverse(ROW, args=[row_id]))
        return HttpResponseRedirect(reverse(LIST))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The row's page only shows; there is nothing on it to save."""
        hidden = dict.fromkeys(
            ("show_save", "show_save_and_continue", "show_save_and_add_another"), False
        )
        context = {**(extra_context or {}), **hidden}
        return super().changeform_view(request, object_id, form_url, context)

    # -- deleting -----------------------------------------------------------------------

    def delete_model(self, request: HttpRequest, obj: SavedAuthentication) -> None:
        credentials.delete_credential(user=_user(request), credential_id=obj.pk)

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[SavedAuthentication]
    ) -> None:
        for row in queryset:
            self.delete_model(request, row)

    # -- parts --------------------------------------------------------------------------

    def _row(self, request: HttpRequest, row_id: UUID) -> SavedAuthentication:
        row = self.get_object(request, str(row_id))
        if row is None:
            raise Http404
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        return row

    def _test(self, request: HttpRequest, row: SavedAuthentication) -> None:
        try:
            result = credentials.check_credential(
                user=_user(request), credential_id=row.pk
            )
        except ServiceError as exc:
            self.message_user(request, f"{row}: {exc.message}", messages.ERROR)
            return
        level = messages.SUCCESS if result.is_ok else messages.ERROR
        self.message_user(request, f"{row}: {result.message}", level)

    def _form_page(
        self, request: HttpRequest, form: forms.Form, title: str, save: Any
    ) -> HttpResponse:
        """Show the form; on valid input save, say so and go to the row."""
        if request.method == "POST" and form.is_valid():
            try:
                row = save(form.cleaned_data)
            except (ServiceError, ConfigurationError) as exc:
                field = getattr(exc, "field", "")
                form.add_error(field if field in form.fields else None, exc.message)
            else:
                self.message_user(request, f"{row}: saved.", messages.SUCCESS)
                return HttpResponseRedirect(reverse(ROW, args=[row.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "form": form,
            "opts": self.opts,
            "back_url": reverse(LIST),
        }
        return TemplateResponse(request, self.form_template, context)


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)
