"""The panel's DOM ids: unique on the whole page, the same for as long as a chunk lives."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.e2e.test_context_panel import CHUNKS, begin, chunk, sums_up

REPEATED = """() => {
  const seen = [...document.querySelectorAll("[id]")].map((node) => node.id);
  return seen.filter((id, i) => !id || seen.indexOf(id) !== i);
}"""


def ids(page: Page) -> list[str]:
    """The ids of the list, in its order; none of the page's own ids is there twice."""
    assert page.evaluate(REPEATED) == []
    found: list[str] = page.eval_on_selector_all(
        CHUNKS, "all => all.map((li) => li.id)"
    )
    assert all(key.startswith("context-chunk-") for key in found)
    return found


def add(page: Page, text: str) -> str:
    """A text of one's own through the dialog; its DOM id."""
    page.click("#context-add")
    page.fill("#chunk-title", "Notes")
    page.fill("#chunk-text", text)
    page.click("#chunk-save")
    expect(chunk(page, text)).to_be_visible()
    return str(chunk(page, text).get_attribute("id"))


def remove(page: Page, key: str) -> None:
    page.locator(f"#{key} [data-do=remove]").click()
    page.click("#ask-ok")
    expect(page.locator(f"#{key}")).to_have_count(0)


def test_ids_are_unique_and_stay_while_chunks_come_and_go(page, product):
    begin(page, product, "alpha question")
    expect(page.locator(CHUNKS)).to_have_count(2)
    said = ids(page)
    first, second = add(page, "The roof leaks."), add(page, "The cellar is dry.")
    expect(page.locator(CHUNKS)).to_have_count(4)
    assert ids(page) == [first, second, *said]

    page.locator(f"#{second} [data-do=up]").click()
    expect(page.locator(CHUNKS).first).to_have_id(second)
    page.locator(f"#{first} [data-do=exclude]").click()
    expect(page.locator(f"#{first}")).to_contain_text("not sent")
    assert ids(page) == [second, first, *said]

    page.fill("#context-search", "cellar")
    expect(page.locator(f"{CHUNKS}:visible")).to_have_count(1)
    assert set(ids(page)) == {second, first, *said}
    page.fill("#context-search", "")
    remove(page, first)
    assert ids(page) == [second, *said]
    sums_up(page)

    page.reload()
    page.click("#context-toggle")
    expect(page.locator(CHUNKS)).to_have_count(3)
    assert ids(page) == [second, *said]


def test_another_conversation_has_other_ids_and_the_first_has_its_own_again(
    page, product
):
    begin(page, product, "alpha question")
    expect(page.locator(CHUNKS)).to_have_count(2)
    alpha = [add(page, "The roof leaks."), *ids(page)[-2:]]
    page.click("[data-new-chat]")
    expect(page.locator(CHUNKS)).to_have_count(0)
    expect(page.locator("#context-empty")).to_be_visible()
    assert ids(page) == []

    page.click("#context-close")
    begin(page, product, "beta question")
    expect(page.locator(CHUNKS)).to_have_count(2)
    expect(page.locator("#context-empty")).to_be_hidden()
    beta = ids(page)
    assert not set(alpha) & set(beta)

    page.locator("#conversations a", has_text="alpha question").first.click()
    expect(chunk(page, "The roof leaks.")).to_be_visible()
    expect(page.locator(CHUNKS)).to_have_count(3)
    assert ids(page) == alpha
    sums_up(page)


def test_the_empty_state_comes_back_with_the_last_chunk_gone(page):
    page.click("#context-toggle")
    expect(page.locator("#context-empty")).to_be_visible()
    key = add(page, "The roof leaks.")
    expect(page.locator("#context-empty")).to_be_hidden()
    assert ids(page) == [key]
    remove(page, key)
    expect(page.locator("#context-chunks")).to_be_attached()
    expect(page.locator("#context-empty")).to_be_visible()
    assert ids(page) == []
