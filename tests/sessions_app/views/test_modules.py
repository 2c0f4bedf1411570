"""A page says at once which scripts it needs, and names none that is not there."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.template import Context, Template

from sessions_app.templatetags.modules import imported

TEMPLATES = Path(__file__).parents[3] / "templates"
SCRIPTS = sorted(
    {
        name
        for one in TEMPLATES.rglob("*.html")
        for name in re.findall(r"{% module '([^']+)' %}", one.read_text())
    }
)


def test_every_page_of_scripts_names_its_own() -> None:
    assert {"js/chat/page.js", "js/credentials/page.js"} <= set(SCRIPTS)
    assert all(finders.find(name) for name in SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_all_that_a_script_imports_is_named_once_and_is_there(script: str) -> None:
    found = imported(script)
    assert len(set(found)) == len(found)
    assert all(finders.find(name) for name in found)
    for name in [script, *found]:
        text = Path(finders.find(name)).read_text()
        # What a line of code asks for, however it is written, is among them.
        for asked in re.findall(r'from "(\.[^"]+)"|^import "(\.[^"]+)"', text, re.M):
            one = posixpath.join(posixpath.dirname(name), "".join(asked))
            assert posixpath.normpath(one) in found, (name, asked)


def test_the_page_preloads_them_before_its_script() -> None:
    text = Template("{% load modules %}{% module 'js/chat/page.js' %}").render(
        Context()
    )
    preloads = re.findall(r'<link rel="modulepreload" href="([^"]+)">', text)
    assert len(preloads) == len(imported("js/chat/page.js")) > 20
    assert any("purify" in one for one in preloads)
    assert re.search(
        r'<script type="module" src="[^"]*js/chat/page[^"]*"></script>$', text
    )


def test_a_script_that_imports_nothing_is_only_a_script() -> None:
    text = Template("{% load modules %}{% module 'js/shared/theme.js' %}").render(
        Context()
    )
    assert text.count("<") == 2 and "modulepreload" not in text
