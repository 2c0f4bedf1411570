"""The exact request beside the conversation: it follows, and the vendor counts on demand."""

from __future__ import annotations

import json

import requests
from playwright.sync_api import Page, expect

from tests.e2e.conftest import finished, last_answer, ready
from tests.e2e.test_context_panel import begin, last_request


def new_lines(page: Page, text: str):
    return page.locator("#exact-diff .diff__new", has_text=text)


def test_it_follows_what_is_typed_and_every_change_of_the_context(
    page, product, window
):
    begin(page, product, "alpha question")
    page.click("#context-exact")
    expect(page.locator("#exact-view")).to_be_visible()
    expect(page.locator("#context-list")).to_be_hidden()
    page.fill("#question", "And the cellar?")
    expect(new_lines(page, "And the cellar?")).to_be_visible()
    page.fill("#question", "And the attic?")
    expect(new_lines(page, "And the attic?")).to_be_visible()
    expect(page.locator("#exact-body")).not_to_contain_text("cellar")

    other = window.new_page()
    other.goto(page.url)
    other.click("#context-toggle")
    other.click("#context-add")
    other.fill("#chunk-title", "Notes")
    other.fill("#chunk-text", "The roof leaks.")
    other.click("#chunk-save")
    expect(new_lines(page, "The roof leaks.")).to_be_visible()

    shown = json.loads(page.locator("#exact-body").inner_text())
    product.control("scripts", text="Dusty.")
    page.press("#question", "Enter")
    expect(last_answer(page)).to_contain_text("Dusty.")
    finished(page)
    assert json.loads(last_request(product)) == shown
    expect(page.locator("#exact-body")).to_contain_text("Dusty.")

    page.locator("#exact-body").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#exact-view")).to_be_hidden()
    expect(page.locator("#context-list")).to_be_visible()
    expect(page.locator("#context-exact")).to_be_focused()


def test_the_vendor_counts_it_when_it_is_asked_to_and_never_before(page, product):
    begin(page, product, "alpha question")
    before = counts(product)
    page.click("#context-exact")
    page.fill("#question", "And the cellar?")
    expect(new_lines(page, "And the cellar?")).to_be_visible()
    assert counts(product) == before
    page.click("#exact-count")
    told = page.locator("#exact-counted")
    expect(told).to_contain_text("Counted by the vendor:")
    assert counts(product) == before + 1
    page.fill("#question", "And the attic?")
    expect(new_lines(page, "And the attic?")).to_be_visible()
    expect(told).to_have_text("")  # that was another request

    product.control("faults", kind="status", status=503)
    page.click("#exact-count")
    expect(told).to_contain_text("is an estimate")


def test_who_has_it_counted_all_the_time_is_told_when_the_next_is_possible(
    chromium, product
):
    # A window of its own: the browser itself calls a 429 an error.
    context = chromium.new_context(base_url=product.url, storage_state=product.state)
    page = context.new_page()
    page.goto("/")
    ready(page)
    begin(page, product, "alpha question")
    page.click("#context-exact")
    expect(page.locator("#exact-count")).to_be_visible()
    # The minute is the person's in all tests of this installation: it is left alone.
    refused = {"error": {"code": "too_often", "message": "Count again in 10 s."}}
    page.route("**/preview/", lambda route: route.fulfill(status=429, json=refused))
    page.click("#exact-count")
    expect(page.locator("#exact-counted")).to_have_text("Count again in 10 s.")
    expect(page.locator("#exact-count")).to_be_enabled()
    context.close()


def counts(product) -> int:
    """Requests for a count that reached the vendor."""
    found = requests.get(f"{product.emulator}/_emulator/requests", timeout=5).json()
    asked = [row["path"].lower() for row in found["requests"]]
    return sum("count" in path or "input_tokens" in path for path in asked)


def test_it_can_be_looked_at_before_the_first_question(page):
    page.click("#context-toggle")
    page.click("#context-exact")
    page.fill("#question", "What colour?")
    expect(page.locator("#exact-body")).to_contain_text("What colour?")
    expect(page.locator("#exact-diff")).to_contain_text("Nothing was sent")
