"""A conversation that was found by words in it opens at the message in which they stand."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.e2e.conftest import ask, away_from_end, finished

LONG = "A paragraph of it.\n\n" * 40
FOUND = ".message--found"


def talk(page: Page, product, *texts: str) -> None:
    for text in texts:
        product.control("scripts", text=f"{text}land\n\n{LONG}")
        ask(page, text)
        finished(page)


def look_for(page: Page, words: str) -> None:
    """Search, and open the first conversation that was found."""
    page.fill("#search", words)
    mark = page.locator("mark", has_text=words)
    page.locator(".conversation__link", has=mark).first.click()


def test_it_opens_at_the_message_also_when_that_must_be_fetched_first(page, product):
    talk(page, product, "zebras", "okapis", "tapirs", "lemurs")
    page.route(
        "**/messages/",
        lambda route: route.continue_(url=f"{route.request.url}?limit=2"),
    )
    page.click("[data-new-chat]")
    look_for(page, "okapisland")
    found = page.locator(FOUND)
    expect(found).to_contain_text("okapisland")
    expect(found).to_be_focused()
    expect(found.locator(".message__head")).to_be_in_viewport()
    assert away_from_end(page) > 1000
    expect(page.locator("#latest")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollTop") == 0

    look_for(page, "lemurs")
    expect(page.locator(FOUND, has_text="lemurs")).to_be_in_viewport()
    expect(page.locator(FOUND)).to_have_count(1)


def test_words_in_another_version_are_said_to_stand_there(page, product):
    talk(page, product, "walruses")
    product.control("scripts", text="Now about narwhals.")
    page.locator("#messages > li").last.get_by_role("button", name="Regenerate").click()
    expect(page.locator("#messages")).to_contain_text("narwhals")
    finished(page)
    page.click("[data-new-chat]")
    look_for(page, "walrusesland")
    expect(page.locator("#messages")).to_contain_text("narwhals")
    expect(page.locator("body")).to_contain_text("another version")
    expect(page.locator(FOUND)).to_have_count(0)
