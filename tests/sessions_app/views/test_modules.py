"""A page says at once which scripts it needs, and names none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.template import Context, Template

from sessions_app.templatetags.modules import imported

PAGES = ["chat", "credentials", "library", "audits", "audit", "one-time-link", "banner"]


@pytest.mark.parametrize("script", PAGES)
def test_all_that_a_script_imports_is_named_once_and_is_there(script: str) -> None:
    found = imported(f"js/{script}.js")
    assert len(set(found)) == len(found)
    assert all(finders.find(name) for name in found)
    for name in [f"js/{script}.js", *found]:
        text = Path(finders.find(name)).read_text()
        # What a line of code asks for, however it is written, is among them.
        for asked in re.findall(r'from "(\.[^"]+)"|^import "(\.[^"]+)"', text, re.M):
            last = "".join(asked).rpartition("/")[2]
            assert any(one.endswith(f"/{last}") for one in found), (name, last)


def test_the_page_preloads_them_before_its_script() -> None:
    text = Template("{% load modules %}{% module 'js/chat.js' %}").render(Context())
    preloads = re.findall(r'<link rel="modulepreload" href="([^"]+)">', text)
    assert len(preloads) == len(imported("js/chat.js")) > 20
    assert any("purify" in one for one in preloads)
    assert re.search(r'<script type="module" src="[^"]*js/chat[^"]*"></script>$', text)


def test_a_script_that_imports_nothing_is_only_a_script() -> None:
    text = Template("{% load modules %}{% module 'js/theme.js' %}").render(Context())
    assert text.count("<") == 2 and "modulepreload" not in text
