"""`{% module 'js/chat/page.js' %}`: a script of a page, and early word of all it imports.

A browser learns of an import when it has read the importing file: eight round trips in a
row for the chat page. Preloading all of them makes it one.
"""

from __future__ import annotations

import posixpath
import re
from functools import cache
from pathlib import Path

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

_IMPORTS = re.compile(
    r"""^(?:import|export)\b[^"';]*["'](\.[^"']+)["']""", re.MULTILINE
)


@register.simple_tag
def module(name: str) -> SafeString:
    """The script element, after a preload for every module it imports, at any depth."""
    links = format_html_join(
        "\n",
        '<link rel="modulepreload" href="{}">',
        ((static(one),) for one in imported(name)),
    )
    script = format_html('<script type="module" src="{}"></script>', static(name))
    return format_html("{}\n{}", links, script) if links else script


@cache
def imported(name: str) -> tuple[str, ...]:
    """What a module imports, itself excepted: each once, nearest first."""
    found = {name: None}
    waiting = [name]
    while waiting:
        for one in _imports_of(waiting.pop(0)):
            if one not in found:
                found[one] = None
                waiting.append(one)
    return tuple(found)[1:]


def _imports_of(name: str) -> list[str]:
    path = finders.find(name)
    if not path:
        return []
    text = Path(path).read_text()
    folder = posixpath.dirname(name)
    return [posixpath.normpath(f"{folder}/{one}") for one in _IMPORTS.findall(text)]
