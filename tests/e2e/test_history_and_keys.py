"""The list of conversations, and credentials: added, tested, refused, the default."""

import json
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import ask, finished, last_answer, ready
from tests.e2e.started import Started
from tests.emulator import ROOT

SEED = """
from django.contrib.auth.models import User
from sessions_app.models import Conversation, Message
c = Conversation.objects.create(owner=User.objects.get(), title="Very long")
parent = None
rows = []
for i in range(300):
    row = Message(conversation=c, parent=parent, depth=i, role="user" if i % 2 == 0 else "assistant",
                  parts=[{"type": "text", "text": f"message {i}"}], text=f"message {i}")
    rows.append(row)
    parent = row
Message.objects.bulk_create(rows)
c.leaf = rows[-1]
c.save()
print(c.pk)
"""


def test_conversations_are_found_renamed_archived_and_deleted(page):
    ask(page, "A question about armadillos")
    finished(page)
    row = page.locator(".conversation", has_text="A question about armadillos")
    row.hover()
    row.locator("[data-menu]").click()
    page.get_by_role("button", name="Rename").click()
    page.fill("#ask-input", "Striped horses")
    page.click("#ask-ok")
    expect(page.locator("#title")).to_have_text("Striped horses")
    page.fill("#search", "armadillos")
    expect(page.locator(".conversation")).to_have_count(1)
    page.fill("#search", "no such words at all")
    expect(page.locator("#conversations-empty")).to_be_visible()
    page.fill("#search", "")
    menu(page, "Striped horses").get_by_role(
        "button", name="Archive", exact=True
    ).click()
    expect(page.locator(".conversation", has_text="Striped horses")).to_have_count(0)
    page.click("[data-archived-toggle]")
    menu(page, "Striped horses").get_by_role("button", name="Delete").click()
    page.click("#ask-ok")
    expect(page.locator(".conversation", has_text="Striped horses")).to_have_count(0)


def menu(page, title):
    row = page.locator(".conversation", has_text=title)
    row.hover()
    row.locator("[data-menu]").click()
    return page.locator(".menu")


def test_a_conversation_is_exported_as_markdown_and_json(page, product):
    product.control("scripts", text="the exported answer")
    ask(page, "Export this please")
    finished(page)
    with page.expect_download() as download:
        menu(page, "Export this please").get_by_text("Export as Markdown").click()
    assert "the exported answer" in download.value.path().read_text()
    with page.expect_download() as download:
        menu(page, "Export this please").get_by_text("Export as JSON").click()
    data = json.loads(download.value.path().read_text())
    assert len(data["messages"]) == 2


def test_a_long_conversation_opens_at_its_end_and_shows_older_on_the_way_up(
    page, product
):
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", SEED],
        cwd=ROOT, env=product.started.env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    page.goto(f"/c/{done.stdout.strip()}/")
    expect(page.locator("#messages > li").last).to_contain_text("message 299")
    expect(page.locator("#messages > li").last).to_be_in_viewport()
    assert page.locator("#messages > li").count() == 50
    page.evaluate("document.getElementById('thread').scrollTop = 0")
    expect(page.locator("#messages > li")).to_have_count(100)
    expect(page.locator("#messages")).to_contain_text("message 200")


def test_signing_out_and_in_again(chromium, product):
    context = chromium.new_context(base_url=product.url)
    page = context.new_page()
    page.goto("/")
    assert "/login/" in page.url
    page.close()
    with product_window(chromium, product) as own:
        page = own.new_page()
        page.goto("/")
        ready(page)
        page.locator(".sidebar__foot").get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/login/")
        page.goto("/credentials/")
        assert "/login/" in page.url
    context.close()


def product_window(chromium, product):
    return product.started.sign_in(chromium)


@pytest.fixture
def fresh(chromium, tmp_path):
    """An installation of its own, because the demo goes away in it."""
    started = Started(tmp_path / "data")
    context = chromium.new_context(base_url=started.url)
    page = context.new_page()
    started.set_up(page)
    yield started, page
    context.close()
    started.stop()


def test_a_real_credential_is_added_tested_and_becomes_the_default_and_the_demo_goes(
    fresh,
):
    started, page = fresh
    port = (started.data / "demo.port").read_text()
    ready(page)
    expect(page.locator("#demo-banner")).to_be_visible()
    page.get_by_role("link", name="Add a real key").click()
    page.select_option("#provider", "custom")
    page.fill("#name", "My Server")
    page.fill("#base_url", f"http://127.0.0.1:{port}/openai/v1")
    page.fill("#api_key", "sk-bad")
    page.click("#try")
    expect(page.locator("#add-result .notice--error")).to_be_visible()
    is_said_to_be_refused_when_it_is_saved(page)
    page.fill("#name", "My Server")
    page.fill("#base_url", f"http://127.0.0.1:{port}/openai/v1")
    page.fill("#api_key", "sk-good-canary")
    page.click("#try")
    expect(page.locator("#add-result .notice--ok")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".card[data-name=my_server]")).to_be_visible()
    assert "sk-good-canary" not in page.content()
    card = page.locator(".card[data-name=my_server]")
    card.get_by_role("button", name="Test").click()
    expect(card.locator(".notice--ok")).to_be_visible()
    page.fill("#name", "my server")
    page.fill("#base_url", f"http://127.0.0.1:{port}/openai/v1")
    page.fill("#api_key", "k")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#add-result .notice--error")).to_contain_text("taken")
    expect(card.locator(".tag", has_text="Default")).to_be_visible()
    changes_hands_and_keys(page)
    page.goto("/")
    expect(page.locator("#picker-credential")).to_have_text("my_server")
    ask(page, "Hello real one")
    finished(page)
    assert last_answer(page).locator(".tag").count() == 0
    page.get_by_role("button", name="Remove the demo").click()
    expect(page.locator("#demo-banner")).to_have_count(0)
    page.goto("/credentials/")
    expect(page.locator(".card")).to_have_count(1)


def is_said_to_be_refused_when_it_is_saved(page):
    """A wrong key may be saved, and is never called ready."""
    page.get_by_role("button", name="Save").click()
    said = page.locator("#add-result .notice--error")
    expect(said).to_contain_text("Saved as “my_server”, but its test failed.")
    card = page.locator(".card[data-name=my_server]")
    expect(card.locator(".tag", has_text="refused")).to_be_visible()
    card.get_by_role("button", name="Delete").click()
    page.click("#ask-ok")
    expect(card).to_have_count(0)


def changes_hands_and_keys(page):
    """Sharing says what it will do; a new key is typed unseen, and neither is guessed."""
    card = page.locator(".card[data-name=my_server]")
    expect(card).to_contain_text("yours alone")
    card.get_by_role("button", name="Share").click()
    expect(page.locator("#ask-title")).to_have_text("Who may use “my_server”?")
    expect(page.locator("#ask-choice")).to_have_value("")
    page.keyboard.press("Escape")
    expect(card).to_contain_text("yours alone")
    card.get_by_role("button", name="Share").click()
    page.select_option("#ask-choice", label="Everyone here")
    page.click("#ask-ok")
    expect(card).to_contain_text("shared with everyone")
    expect(card.get_by_role("button", name="Share")).to_be_focused()
    card.get_by_role("button", name="New key").click()
    expect(page.locator("#ask-secret")).to_be_focused()
    assert page.get_attribute("#ask-secret", "type") == "password"
    page.keyboard.type("sk-bad")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("has its new key")
    assert page.input_value("#ask-secret") == ""
    card.get_by_role("button", name="Test").click()
    expect(card.locator(".notice--error")).to_be_visible()
    expect(card.locator(".tag", has_text="key refused")).to_be_visible()
    card.get_by_role("button", name="New key").click()
    page.keyboard.type("sk-good-canary")
    page.click("#ask-ok")
    expect(page.locator("#toasts .toast")).to_have_count(3)
    card.get_by_role("button", name="Test").click()
    expect(card.locator(".notice--ok")).to_be_visible()
    expect(card.locator(".tag", has_text="key refused")).to_have_count(0)


def test_a_link_cannot_say_where_a_key_goes(page):
    page.goto(
        "/credentials/?provider=custom&url=https://evil.example/v1&local=custom#add"
    )
    expect(page.locator("#name")).to_be_focused()
    expect(page.locator(".card").first).to_be_visible()
    page.wait_for_timeout(700)
    assert page.input_value("#base_url") == ""
    assert page.input_value("#provider") == "openai"
