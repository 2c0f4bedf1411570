"""Words that were found in a part of the context open the panel at that part."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.e2e.conftest import ask, finished, ready
from tests.e2e.deep_talks import deep_talk
from tests.e2e.test_context_panel import CHUNKS, begin, chunk
from tests.e2e.test_found_message import look_for

FOUND = ".chunk--found"


def add(page: Page, title: str, text: str) -> None:
    page.click("#context-add")
    page.fill("#chunk-title", title)
    page.fill("#chunk-text", text)
    page.click("#chunk-save")
    expect(chunk(page, text[:60])).to_be_visible()


def in_panel(page: Page) -> bool:
    """Whether the part that was found is within the list's window, and the page at rest."""
    return bool(
        page.evaluate(
            """() => {
              const part = document.querySelector('.chunk--found').getBoundingClientRect();
              const list = document.getElementById('context-list').getBoundingClientRect();
              return part.top >= list.top && part.top < list.bottom - 40
                && document.documentElement.scrollTop === 0 && document.body.scrollTop === 0;
            }"""
        )
    )


def test_a_part_that_was_found_is_shown_and_marked(page, product):
    begin(page, product, "about marsupials")
    for number in range(10):
        word = "quokkaville" if number == 6 else "nothing"
        add(page, f"Note {number}", f"{number}: {'long words ' * 60} {word}.")
    key = chunk(page, "Note 6").get_attribute("id")
    page.click("#context-close")
    page.click("[data-new-chat]")
    look_for(page, "quokkaville")
    expect(page.locator("#context-panel")).to_be_visible()
    found = page.locator(FOUND)
    expect(found).to_have_count(1)
    assert found.get_attribute("id") == key and str(key).startswith("context-chunk-")
    expect(found.locator("mark")).to_have_text("quokkaville")
    expect(found).to_be_focused()
    page.wait_for_function("() => true")
    assert in_panel(page)
    expect(page.locator(".message--found")).to_have_count(0)

    # Once more, with the panel open and scrolled elsewhere, from the same conversation.
    page.evaluate("document.getElementById('context-list').scrollTop = 0")
    look_for(page, "quokkaville")
    expect(found).to_be_focused()
    assert in_panel(page)
    page.keyboard.press("Escape")
    expect(page.locator("#context-panel")).to_be_hidden()


def test_other_words_for_a_message_are_found_at_the_message_s_part(page, product):
    begin(page, product, "wombats question")
    chunk(page, "wombats question").first.locator("[data-do=edit]").click()
    page.fill("#chunk-text", "numbatburgh instead")
    page.click("#chunk-save")
    edited = chunk(page, "numbatburgh instead")
    expect(edited).to_contain_text("edited")
    key = edited.get_attribute("id")
    page.click("[data-new-chat]")
    look_for(page, "numbatburgh")
    expect(page.locator(FOUND)).to_have_attribute("id", str(key))
    expect(page.locator(f"{FOUND} mark")).to_have_text("numbatburgh")


def test_a_part_that_is_too_old_to_be_listed_is_shown_too(page, product):
    key = deep_talk(product, 620, "Old bilbies", {8: "about bilbies"})
    page.goto(f"/c/{key}/")
    page.click("#context-toggle")
    page.fill("#context-search", "bilbies")
    chunk(page, "about bilbies").locator("[data-do=edit]").click()
    page.fill("#chunk-text", "about dunnartia")
    page.click("#chunk-save")
    expect(page.locator("#chunk-dialog")).to_be_hidden()
    page.click("#context-close")
    page.click("[data-new-chat]")
    look_for(page, "dunnartia")
    expect(page.locator(f"{FOUND} mark")).to_have_text("dunnartia")
    expect(page.locator(FOUND)).to_be_focused()
    assert in_panel(page)

    # The list comes whole once more, and is searched once more: the part stays as it is.
    with page.expect_response(lambda answer: "/context/?q=" in answer.url):
        page.click("#context-close")
        page.click("#context-toggle")
    expect(page.locator(f"{FOUND} mark")).to_have_text("dunnartia")


def test_a_part_that_is_not_in_the_context_any_more_is_said_to_be_gone(page, product):
    begin(page, product, "bandicoots question")
    chunk(page, "bandicoots question").first.locator("[data-do=edit]").click()
    page.fill("#chunk-text", "pademelonia instead")
    page.click("#chunk-save")
    chunk(page, "pademelonia").locator("[data-do=remove]").click()
    expect(chunk(page, "pademelonia")).to_have_count(0)
    page.click("[data-new-chat]")
    look_for(page, "pademelonia")
    expect(page.locator("#toasts")).to_contain_text("taken out of the context")
    expect(page.locator(FOUND)).to_have_count(0)


def test_the_same_on_a_phone(phone, product):
    page = phone.new_page()
    page.goto("/")
    ready(page)
    product.control("scripts", text="Dry.")
    ask(page, "about a cellar")
    finished(page)
    page.click("#context-toggle")
    add(page, "Note", "The cellar of potorooton is wet.")
    page.click("#context-close")
    page.click(".stage__menu")
    look_for(page, "potorooton")
    expect(page.locator(FOUND)).to_be_in_viewport()
    expect(page.locator(CHUNKS).locator("mark")).to_have_text("potorooton")
