"""The library's page in the browser: versions, attaching, and panels that follow."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.conftest import ask, finished
from tests.e2e.test_context_panel import chunk, last_request


def entry(page, title):
    return page.locator("#library-entries > li", has_text=title)


def test_an_entry_is_written_changed_restored_attached_and_followed(
    page, product, window
):
    product.control("scripts", text="Arr.")
    ask(page, "The harbour")
    finished(page)
    page.click("#context-toggle")
    shelf = window.new_page()
    shelf.goto("/")
    shelf.get_by_role("link", name="Library").click()
    expect(shelf.locator("#library-none, #library-entries > li").first).to_be_visible()
    shelf.click("#entry-new")
    shelf.select_option("#entry-kind", "persona")
    shelf.fill("#entry-title", "Pirate")
    shelf.fill("#entry-text", "Say arr.")
    shelf.click("#entry-dialog button[type=submit]")
    expect(entry(shelf, "Pirate")).to_contain_text("version 1")

    entry(shelf, "Pirate").get_by_role("button", name="Attach").click()
    shelf.select_option("#attach-place", label="The harbour")
    shelf.click("#attach-dialog button[type=submit]")
    expect(chunk(page, "Say arr.")).to_be_visible()
    shelf.keyboard.press("Escape")

    entry(shelf, "Pirate").get_by_role("button", name="Edit").click()
    expect(shelf.locator("#entry-text")).to_have_value("Say arr.")
    shelf.fill("#entry-text", "Say ahoy.")
    shelf.click("#entry-dialog button[type=submit]")
    expect(entry(shelf, "Pirate")).to_contain_text("version 2")
    expect(chunk(page, "Say ahoy.")).to_be_visible()  # told, not asked

    entry(shelf, "Pirate").get_by_role("button", name="Versions").click()
    shelf.get_by_role("button", name="Restore: Version 1").click()
    expect(entry(shelf, "Pirate")).to_contain_text("version 3")
    expect(chunk(page, "Say arr.")).to_be_visible()
    shelf.keyboard.press("Escape")

    shelf.fill("#library-search", "nothing like it")
    expect(shelf.locator("#library-none")).to_contain_text("No entry")
    shelf.fill("#library-search", "ARR pir")
    expect(entry(shelf, "Pirate").locator("mark")).to_have_text(["arr"])
    entry(shelf, "Pirate").get_by_role("button", name="Delete").click()
    shelf.click("#ask-ok")
    expect(entry(shelf, "Pirate")).to_have_count(0)
    expect(chunk(page, "Say arr.")).to_have_count(0)
    product.control("scripts", text="No more.")
    ask(page, "And now?")
    finished(page)
    assert "Say arr." not in last_request(product)


def test_words_attached_to_a_credential_appear_in_an_open_panel_and_go_again(
    page, product, window
):
    product.control("scripts", text="Yes.")
    ask(page, "The island")
    finished(page)
    page.click("#context-toggle")
    shelf = window.new_page()
    shelf.goto("/library/")
    shelf.click("#entry-new")
    shelf.fill("#entry-title", "House rules")
    shelf.fill("#entry-text", "Be brief.")
    shelf.click("#entry-dialog button[type=submit]")
    entry(shelf, "House rules").get_by_role("button", name="Attach").click()
    name = page.locator("#picker-credential").inner_text().split(" ")[0]
    place = shelf.locator("#attach-place option", has_text=name)
    shelf.select_option("#attach-place", place.get_attribute("value"))
    shelf.click("#attach-dialog button[type=submit]")
    expect(chunk(page, "Be brief.")).to_contain_text("Attached to the credential")
    shelf.get_by_role("button", name="Detach").click()
    expect(chunk(page, "Be brief.")).to_have_count(0)
    shelf.keyboard.press("Escape")
    entry(shelf, "House rules").get_by_role("button", name="Delete").click()
    shelf.click("#ask-ok")
    expect(entry(shelf, "House rules")).to_have_count(0)
