"""Credentials in the admin: list, add, log in, test, renew, rotate, share, delete.

The pages for adding, rotating and sharing are forms of their own, because the row's own
form would have to hold the secret. Every change goes through a service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from sessions_app.admin.actions import CredentialActions
from sessions_app.admin.columns import Columns, ConditionFilter
from sessions_app.admin.credential_logins import LoginPages
from sessions_app.admin.forms import AddKeyForm, RotateKeyForm, ShareForm
from sessions_app.admin.pages import to_row, user_of
from sessions_app.errors import NotFound, ServiceError
from sessions_app.models.authentication import SavedAuthentication
from sessions_app.services import credentials
from sessions_app.services.credentials.rows import credential_view

if TYPE_CHECKING:
    Rows = QuerySet[SavedAuthentication]

SHOWN = (
    "provider",
    "kind",
    "name",
    "base_url",
    "account",
    "plan",
    "mode",
    "warning",
    "metadata",
    "owner",
    "sharing",
    "personal",
    "is_demo",
    "condition",
    "cause",
    "expires_at",
    "refresh_at",
    "last_refresh_at",
    "refresh_result",
    "limited_until",
    "last_checked_at",
    "last_used_at",
    "inserted_at",
    "updated_at",
)


@admin.register(SavedAuthentication)
class CredentialAdmin(Columns, CredentialActions, LoginPages):
    """Shows everything about a credential but its secret."""

    list_display = (
        "name",
        "provider",
        "condition",
        "kind",
        "account",
        "plan",
        "mode",
        "expires_at",
        "last_refresh",
        "refresh_result",
        "limited_until",
        "owner",
        "sharing",
        "last_used_at",
        "test_button",
    )
    list_display_links = ("name",)
    list_filter = (
        ConditionFilter,
        "provider",
        "auth_type",
        "is_demo",
        "is_shared_with_everyone",
        "team",
    )
    list_select_related = ("owner", "team")
    list_per_page = 100
    # A filtered list does not count all the others once more.
    show_full_result_count = False
    # The whole key: unique, and in an index, so that a page is read without sorting all.
    ordering = ("provider", "auth_type", "name")
    search_fields = ("name", "provider", "owner__username", "team__name")
    actions = ("test_selected", "refresh_selected")
    fields = SHOWN
    readonly_fields = SHOWN
    change_form_template = "admin/sessions_app/credential.html"

    def get_queryset(self, request: HttpRequest) -> Rows:
        """With `condition`, without what no page may show."""
        rows = SavedAuthentication.objects.with_condition().defer("secrets")
        ordering = self.get_ordering(request)
        return cast("Rows", rows.order_by(*ordering))

    # -- pages --------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        return [
            *self.action_urls(),
            *self.login_urls(),
            self.page("<uuid:row_id>/key/", self.rotate_view, "key"),
            self.page("<uuid:row_id>/share/", self.share_view, "share"),
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

        def save(values: dict[str, Any]) -> HttpResponse:
            row = credentials.add_api_key(user=user_of(request), **values)
            self.log_addition(request, row, "Added.")
            return self.saved(request, row)

        form = AddKeyForm(request.POST or None)
        return self.form_page(request, form, "Add credential", save, is_key=True)

    @method_decorator(sensitive_post_parameters("api_key"))
    def rotate_view(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """A new key for the same name."""
        row = self.row(request, row_id)

        def save(values: dict[str, Any]) -> HttpResponse:
            credentials.rotate_key(
                user=user_of(request), credential_id=row_id, **values
            )
            self.log_change(request, row, "Key replaced.")
            return self.saved(request, row)

        form = RotateKeyForm(request.POST or None, credential=row)
        return self.form_page(request, form, f"New key for {row}", save)

    def share_view(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """With a team, with everyone, with nobody."""
        row = self.row(request, row_id)

        def save(values: dict[str, Any]) -> HttpResponse:
            changed = credentials.share_credential(
                user=user_of(request), credential_id=row_id, **values
            )
            self.log_change(request, row, f"Shared with {self.sharing(changed)}.")
            return self.saved(request, changed)

        form = ShareForm(request.POST or None, credential=row)
        return self.form_page(request, form, f"Share {row}", save)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The row's page only shows; there is nothing on it to save.

        Saving it all the same would write back old values of what a renewal changed.
        """
        row = self.get_object(request, object_id) if object_id else None
        if row is not None and request.method == "POST":
            if not self.has_change_permission(request, row):
                raise PermissionDenied
            return to_row(row.pk)
        hidden = dict.fromkeys(
            ("show_save", "show_save_and_continue", "show_save_and_add_another"), False
        )
        shown = {}
        if row is not None:
            facts = credential_view(row)
            shown = {"modes": facts["modes"], "mode_choice": facts["mode_choice"]}
        context = {**(extra_context or {}), **hidden, **shown}
        return super().changeform_view(request, object_id, form_url, context)

    # -- deleting -----------------------------------------------------------------------

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Without the transaction that the admin opens here: a login is taken back at its
        vendor first, and nobody else's write waits for that. The service has its own."""
        page: Any = super()
        return cast(HttpResponse, page._delete_view(request, object_id, extra_context))

    def delete_model(self, request: HttpRequest, obj: SavedAuthentication) -> None:
        try:
            credentials.delete_credential(user=user_of(request), credential_id=obj.pk)
        except NotFound:
            return  # somebody else was faster
        except ServiceError as exc:
            self.message_user(request, f"{obj}: {exc.message}", messages.ERROR)

    def delete_queryset(self, request: HttpRequest, queryset: Rows) -> None:
        for row in queryset:
            self.delete_model(request, row)
