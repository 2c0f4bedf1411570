"""Pages of plain forms: what came is handed to a service, what it said is shown.

A foreign id is a 404, as everywhere. What a service refuses otherwise is said on the page
that the form stands on, after a redirect, so that a reload repeats nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from sessions_app.errors import NotFound, ServiceError

View = Callable[..., HttpResponse]
# Where to go on (a URL's name or address), and what to say there; or a whole response.
Action = Callable[..., "tuple[str, str] | HttpResponse"]


def page(view: View) -> View:
    """A page for people who are signed in; what a service does not find is not there."""

    @functools.wraps(view)
    def inner(request: HttpRequest, **ids: Any) -> HttpResponse:
        try:
            return view(request, **ids)
        except ServiceError:
            raise Http404 from None

    return never_cache(require_safe(login_required(inner)))


def action(back: Callable[..., str]) -> Callable[[Action], View]:
    """A form of a page; `back(**ids)` is the address of that page."""

    def decorate(act: Action) -> View:
        @functools.wraps(act)
        def inner(request: HttpRequest, **ids: Any) -> HttpResponse:
            try:
                done = act(request, **ids)
            except NotFound:
                raise Http404 from None
            except ServiceError as exc:
                messages.error(request, exc.message)
                return redirect(back(**ids))
            if isinstance(done, HttpResponse):
                return done
            messages.success(request, done[1])
            return redirect(done[0])

        return never_cache(require_POST(login_required(inner)))

    return decorate


def number(text: str, otherwise: int) -> int:
    """A whole number of a form."""
    return (
        int(text) if text.isascii() and text.isdigit() and len(text) < 6 else otherwise
    )
