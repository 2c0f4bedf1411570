"""What the pages about one credential share: finding it, forms, telling how it went."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from providers.errors import ConfigurationError, ProviderError
from sessions_app.errors import ServiceError
from sessions_app.models.authentication import SavedAuthentication
from sessions_app.services.credentials import CheckResult

if TYPE_CHECKING:  # generic for the type checker only
    ModelAdmin = admin.ModelAdmin[SavedAuthentication]
else:
    ModelAdmin = admin.ModelAdmin

LIST = "admin:sessions_app_savedauthentication_changelist"
ROW = "admin:sessions_app_savedauthentication_change"
ADD = "admin:sessions_app_savedauthentication_add"

# What a person can do something about; anything else is a bug and stays a traceback.
REFUSALS = (ServiceError, ProviderError)


class CredentialPages(ModelAdmin):
    """Base of the admin's own pages. Every change goes through a service."""

    form_template = "admin/sessions_app/credential_form.html"

    def page(self, route: str, view: Any, word: str) -> URLPattern:
        """A page of the admin, for staff: never cached, with CSRF."""
        guarded: Any = self.admin_site.admin_view(view)
        name = f"sessions_app_credential_{word}"
        return cast(URLPattern, path(route, guarded, name=name))

    def row(self, request: HttpRequest, row_id: UUID) -> SavedAuthentication:
        """The credential a page is about, for somebody who may change it."""
        row = self.get_object(request, str(row_id))
        if row is None:
            raise Http404
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        return row

    def tell(
        self,
        request: HttpRequest,
        row: SavedAuthentication,
        work: Callable[[], CheckResult],
    ) -> CheckResult | None:
        """Do it and say how it went; None when it was refused."""
        try:
            result = work()
        except REFUSALS as exc:
            self.message_user(request, f"{row}: {exc.message}", messages.ERROR)
            return None
        level = messages.SUCCESS if result.is_ok else messages.ERROR
        self.message_user(request, f"{row}: {result.message}", level)
        return result

    def form_page(
        self,
        request: HttpRequest,
        form: forms.Form,
        title: str,
        save: Callable[[dict[str, Any]], HttpResponse],
        **context: Any,
    ) -> HttpResponse:
        """Show the form; on valid input save, and answer what `save` answers."""
        if request.method == "POST" and form.is_valid():
            try:
                return save(form.cleaned_data)
            except (*REFUSALS, ConfigurationError) as exc:
                field = getattr(exc, "field", "")
                form.add_error(field if field in form.fields else None, exc.message)
        return self.render(
            request, self.form_template, title=title, form=form, **context
        )

    def saved(self, request: HttpRequest, row: SavedAuthentication) -> HttpResponse:
        """Say so and go to the row."""
        self.message_user(request, f"{row}: saved.", messages.SUCCESS)
        return to_row(row.pk)

    def render(
        self, request: HttpRequest, template: str, **context: Any
    ) -> HttpResponse:
        """A page in the frame of the admin."""
        frame = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "back_url": reverse(LIST),
        }
        return TemplateResponse(request, template, frame | context)


def user_of(request: HttpRequest) -> User:
    """The signed-in person; the admin lets nobody else in."""
    return cast(User, request.user)


def to_row(row_id: UUID | None) -> HttpResponseRedirect:
    """The page of a credential."""
    return HttpResponseRedirect(reverse(ROW, args=[row_id]))
