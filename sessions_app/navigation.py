"""The pages of the product, for every place that lists them. A new page is a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from context_app.auditors import may_enter_admin
from sessions_app.person import Person


def _everybody(_user: Person) -> bool:
    return True


def _staff(user: Person) -> bool:
    return bool(getattr(user, "is_staff", False))


@dataclass(frozen=True, slots=True)
class Page:
    """One entry. `within`: names of other routes that belong to it."""

    route: str
    label: Promise | str
    is_for: Callable[[Person], bool] = _everybody
    within: tuple[str, ...] = ()


PAGES = (
    Page("chat", _("Chat"), within=("conversation",)),
    Page("credentials", _("Credentials")),
    Page("library", _("Library")),
    Page("audits", _("Audits"), within=("audit",)),
    Page("usage", _("Usage")),
    Page("teams", _("Teams"), within=("team",)),
    Page("people", _("People"), is_for=_staff),
    Page("admin:index", _("Admin"), is_for=may_enter_admin),
)


@dataclass(frozen=True, slots=True)
class Link:
    """A page as this request sees it."""

    href: str
    label: Promise | str
    is_here: bool


def links(request: HttpRequest) -> Iterator[Link]:
    """The pages that whoever asks may open, in order."""
    here = request.resolver_match.url_name if request.resolver_match else ""
    for page in PAGES:
        if page.is_for(request.user):
            is_here = here == page.route or here in page.within
            yield Link(reverse(page.route), page.label, is_here)
