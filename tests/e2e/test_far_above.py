"""Read far above the end of a long conversation: pages around a hit, earlier and later."""

from __future__ import annotations

import itertools

from playwright.sync_api import Page, expect

from tests.e2e.conftest import ask, finished, last_answer, ready
from tests.e2e.deep_talks import deep_talk
from tests.e2e.test_found_message import FOUND, look_for

LAST = "#messages > li:last-child"


def depths(page: Page) -> list[int]:
    """The depths of all that is drawn: what is drawn must be one piece of the branch."""
    found: list[int] = page.evaluate(
        "[...document.querySelectorAll('#messages > li')]"
        ".map((node) => node.message.message.depth)"
    )
    assert all(after == before + 1 for before, after in itertools.pairwise(found))
    return found


def scroll_to(page: Page, where: str) -> None:
    page.evaluate(
        "(where) => { const t = document.getElementById('thread');"
        " t.scrollTop = where === 'top' ? 0 : t.scrollHeight; }",
        where,
    )


def place(page: Page, selector: str) -> float:
    """Its distance from the top of the window, in pixels."""
    return float(
        page.evaluate(
            "(s) => document.querySelector(s).getBoundingClientRect().top", selector
        )
    )


def test_a_hit_thousands_of_messages_above_the_end_is_opened(page, product):
    deep_talk(product, 3000, "Deep", {400: "here is a numbatoo"})
    look_for(page, "numbatoo")
    expect(page.locator(FOUND)).to_contain_text("numbatoo")
    expect(page.locator(FOUND)).to_be_focused()
    expect(page.locator(FOUND)).to_be_in_viewport()
    found = depths(page)
    assert 400 in found and len(found) < 300
    expect(page.locator("#latest")).to_be_visible()

    # Earlier ones come above, and what is read stays where it is.
    page.locator("#older").scroll_into_view_if_needed()
    page.wait_for_function(
        "(first) => document.querySelector('#messages > li').message.message.depth < first",
        arg=found[0],
    )
    assert depths(page)[-1] >= found[-1]

    # Later ones come below, as far as one goes on.
    for _ in range(3):
        before = depths(page)[-1]
        scroll_to(page, "end")
        page.wait_for_function(
            "(last) => document.querySelector('#messages > li:last-child')"
            ".message.message.depth > last",
            arg=before,
        )
        assert depths(page)[-1] <= before + 100, "a page at a time, not all by itself"
    expect(page.locator("#newer")).to_be_visible()

    page.click("#latest")
    expect(page.locator(LAST)).to_contain_text("2999")
    assert depths(page)[-1] == 2999
    expect(page.locator("#newer")).to_be_hidden()
    expect(page.locator("#latest")).to_be_hidden()


def test_what_is_read_stays_where_it_is_when_earlier_messages_come(page, product):
    deep_talk(product, 300, "Steady", {100: "here is a potoroo"})
    look_for(page, "potoroo")
    expect(page.locator(FOUND)).to_be_in_viewport()
    first = depths(page)[0]
    scroll_to(page, "top")
    selector = f'[data-message-id="{page.evaluate("document.querySelector(`#messages > li`).message.id")}"]'
    page.wait_for_function(
        "(first) => document.querySelector('#messages > li').message.message.depth < first",
        arg=first,
    )
    assert 0 < place(page, selector) < 400


def test_the_newest_are_reached_by_the_button_without_scrolling(page, product):
    deep_talk(product, 130, "By hand", {5: "here is a bettongu"})
    look_for(page, "bettongu")
    expect(page.locator(FOUND)).to_be_in_viewport()
    page.locator("#newer").focus()
    while page.locator("#newer").is_visible():
        before = depths(page)[-1]
        page.locator("#newer").press("Enter")
        page.wait_for_function(
            "(last) => document.querySelector('#messages > li:last-child')"
            ".message.message.depth > last",
            arg=before,
        )
    found = depths(page)
    assert found == list(range(130))
    # From here on it is a conversation like any other.
    product.control("scripts", text="Under the last one.")
    ask(page, "And now?")
    finished(page)
    assert depths(page)[-1] == 131
    expect(last_answer(page)).to_contain_text("Under the last one.")


def test_a_question_asked_while_reading_far_above_goes_to_the_end(page, product):
    deep_talk(product, 400, "Asked from above", {50: "here is a quollini"})
    look_for(page, "quollini")
    expect(page.locator(FOUND)).to_be_in_viewport()
    product.control("scripts", text="At the very end.")
    page.fill("#question", "What is left?")
    page.press("#question", "Enter")
    expect(last_answer(page)).to_contain_text("At the very end.")
    finished(page)
    assert depths(page)[-2:] == [400, 401]
    expect(page.locator("#messages")).to_contain_text("What is left?")
    expect(page.locator(LAST)).to_be_in_viewport()


def test_what_others_ask_meanwhile_moves_nobody_who_reads_above(page, product, window):
    key = deep_talk(product, 130, "Two readers", {5: "here is a wallarunga"})
    look_for(page, "wallarunga")
    expect(page.locator(FOUND)).to_be_in_viewport()
    before, top = depths(page), place(page, FOUND)
    other = window.new_page()
    other.goto(f"/c/{key}/")
    ready(other)
    product.control("scripts", text="Said in another tab.")
    ask(other, "A question of another tab")
    finished(other)
    assert (depths(page), place(page, FOUND)) == (before, top)
    while page.locator("#newer").is_visible():
        last = depths(page)[-1]
        page.click("#newer")
        page.wait_for_function(
            "(last) => document.querySelector('#messages > li:last-child')"
            ".message.message.depth > last",
            arg=last,
        )
    expect(page.locator(LAST)).to_contain_text("Said in another tab.")
    assert depths(page)[-1] == 131


def test_another_version_begun_above_ends_there(page, product):
    deep_talk(product, 130, "Edited above", {6: "here is a dibblerama"})
    look_for(page, "dibblerama")
    expect(page.locator(FOUND)).to_be_in_viewport()
    product.control("scripts", text="An answer to the new words.")
    page.locator(FOUND).get_by_role("button", name="Edit").click()
    page.fill("#ask-input", "here is another one")
    page.click("#ask-ok")
    expect(last_answer(page)).to_contain_text("An answer to the new words.")
    finished(page)
    assert depths(page)[-2:] == [6, 7]
    expect(page.locator("#newer")).to_be_hidden()


def test_what_a_very_long_conversation_takes_is_counted_for_who_writes(page, product):
    """Opening it reads a page; counting it reads all of it, in the server's one process."""
    key = deep_talk(product, 10_000, "Very long", {})
    asked: list[str] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framesent", lambda frame: asked.append(str(frame))),
    )
    page.goto(f"/c/{key}/")
    expect(page.locator(LAST)).to_contain_text("9999")
    page.wait_for_timeout(600)
    assert not [frame for frame in asked if '"context"' in frame]
    page.fill("#question", "H")
    expect(page.locator("#context-meter")).not_to_be_empty()
