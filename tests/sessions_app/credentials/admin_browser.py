"""What somebody does in the admin to log in at a vendor."""

from __future__ import annotations

import re
from html import unescape

from django.contrib.admin.models import LogEntry

from sessions_app.models import SavedAuthentication

LIST = "/admin/sessions_app/savedauthentication/"
BEGIN = f"{LIST}login/"
RELOAD = '<meta http-equiv="refresh" content="3">'


def page(row, word="change"):
    return f"{LIST}{row.pk}/{word}/"


def begin(admin, method="openai/browser", name="work", **fields):
    """Begin a login; the page that waits, and where the person is sent."""
    answer = admin.post(BEGIN, {"method": method, "name": name, **fields}, follow=True)
    found = re.search(
        r'href="([^"]+)" target="_blank" rel="noopener noreferrer"', answer.text
    )
    assert found, answer.text
    return answer, unescape(found[1])


def paste(admin, waiting, text):
    url = f"{waiting.request['PATH_INFO']}answer/"
    return admin.post(url, {"answer": text}, follow=True)


def log_in(admin, vendor, **fields):
    """A whole login; the row."""
    waiting, url = begin(admin, **fields)
    paste(admin, waiting, vendor.authorize(url))
    return SavedAuthentication.objects.get(name=fields.get("name", "work"))


def history(row):
    entries = LogEntry.objects.filter(object_id=str(row.pk)).order_by("pk")
    return [re.sub(r" \(\w+\)", "", e.change_message) for e in entries]
