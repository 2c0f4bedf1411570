"""Parts of the context are put in order by dragging: what is sent follows the list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.accessibility import violations
from tests.e2e.conftest import ask, finished, ready
from tests.e2e.test_context_panel import CHUNKS, begin, chunk, last_request
from tests.e2e.test_pages import reader

__all__ = ["reader"]

TITLES = ".chunk__title"


def add(page: Page, *texts: str, kind: str = "text") -> None:
    for text in texts:
        page.click("#context-add")
        page.select_option("#chunk-kind", kind)
        page.fill("#chunk-title", text.split()[0])
        page.fill("#chunk-text", text)
        page.click("#chunk-save")
        expect(titled(page, text.split()[0])).to_be_visible()


def titled(page: Page, title: str) -> Any:
    return page.locator(CHUNKS, has=page.locator(TITLES, has_text=title))


def order(page: Page, *titles: str) -> None:
    """These are the titles of what was added, in this order."""
    own = page.locator(f"{CHUNKS}:has(.chunk__handle) {TITLES}")
    expect(own).to_have_text(list(titles))


def handle(page: Page, title: str) -> tuple[float, float]:
    x, y, width, height = at_rest(
        titled(page, title).locator(".chunk__handle"), IN_VIEW
    )
    return x + width / 2, y + height / 2


def edge(page: Page, title: str, part: float) -> float:
    """A height within this part: 0 is its upper edge, 1 its lower one."""
    _, y, _, height = at_rest(titled(page, title), BOX)
    return y + height * part


BOX = """(node) => {
  const box = node.getBoundingClientRect();
  return [box.x, box.y, box.width, box.height];
}"""
IN_VIEW = BOX.replace("const", 'node.scrollIntoView({ block: "nearest" }); const')


def at_rest(found: Any, measure: str) -> list[float]:
    """Where it is, once it is drawn and stays there: news draw a part anew."""
    before: list[float] = []
    for _ in range(100):
        box: list[float] = found.evaluate(measure)
        if box == before and box[2] > 0:
            return box
        before = box
        found.page.wait_for_timeout(50)
    raise AssertionError(f"it does not come to rest: {before}")


@contextmanager
def held(page: Page, title: str) -> Iterator[float]:
    """A real mouse that presses on the handle; lets go at the end."""
    x, y = handle(page, title)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 6)
    expect(page.locator(".chunk--held")).to_have_count(1)
    yield x
    page.mouse.up()


@pytest.fixture
def moves(page: Page) -> list[str]:
    """Changes that this page asked for."""
    found: list[str] = []
    page.on("request", lambda r: r.method == "PATCH" and found.append(r.url))
    return found


def test_a_part_is_dragged_to_another_place_and_sent_there(page, product, moves):
    begin(page, product, "alpha question")
    add(page, "First text.", "Second text.", "Third text.")
    with held(page, "Third") as x:
        page.mouse.move(x, edge(page, "First", 0.2), steps=8)
        mark = page.locator(".context__mark")
        expect(mark).to_be_visible()
        box = mark.bounding_box()
        assert box is not None and abs(box["y"] - edge(page, "First", 0)) < 10
    order(page, "Third", "First", "Second")
    expect(page.locator(".context__mark")).to_be_hidden()
    expect(page.locator(".chunk--held")).to_have_count(0)
    assert len(moves) == 1

    with held(page, "Third") as x:
        page.mouse.move(x, edge(page, "Second", 0.9), steps=8)
    order(page, "First", "Second", "Third")
    with held(page, "First") as x:
        page.mouse.move(x, edge(page, "Second", 0.8), steps=8)
    order(page, "Second", "First", "Third")

    product.control("scripts", text="Well.")
    ask(page, "beta question")
    finished(page)
    sent = last_request(product)
    assert sent.index("Second text.") < sent.index("First text.")
    assert sent.index("First text.") < sent.index("Third text.")
    page.reload()
    ready(page)
    page.click("#context-toggle")
    order(page, "Second", "First", "Third")


def test_escape_puts_it_back_and_asks_for_nothing(page, product, moves):
    begin(page, product, "alpha question")
    add(page, "First text.", "Second text.")
    with held(page, "Second") as x:
        page.mouse.move(x, edge(page, "First", 0.2), steps=5)
        expect(page.locator(".context__mark")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(".context__mark")).to_be_hidden()
        expect(page.locator(".chunk--held")).to_have_count(0)
    order(page, "First", "Second")
    expect(page.locator("#context-panel")).to_be_visible()
    # Dropped where it was, or only clicked, it stays, too.
    with held(page, "Second") as x:
        page.mouse.move(x, edge(page, "First", 0.2), steps=5)
        page.mouse.move(x, edge(page, "First", 0.9), steps=5)
        expect(page.locator(".context__mark")).to_be_hidden()
    page.mouse.click(*handle(page, "First"))
    order(page, "First", "Second")
    assert not moves


def test_instructions_and_material_keep_their_own_places(page, product):
    begin(page, product, "alpha question")
    add(page, "Pirate speech.", "Poet speech.", kind="persona")
    add(page, "First text.", "Second text.")
    with held(page, "Second") as x:
        page.mouse.move(x, edge(page, "Pirate", 0.1), steps=8)
    order(page, "Pirate", "Poet", "Second", "First")
    with held(page, "Pirate") as x:
        page.mouse.move(x, edge(page, "First", 0.9), steps=8)
    order(page, "Poet", "Pirate", "Second", "First")


def test_what_others_change_meanwhile_does_not_break_it(page, product, window):
    begin(page, product, "alpha question")
    add(page, "First text.", "Second text.", "Third text.")
    other = window.new_page()
    other.goto(page.url)
    ready(other)
    other.click("#context-toggle")
    order(other, "First", "Second", "Third")
    with held(page, "Third") as x:
        page.mouse.move(x, edge(page, "First", 0.2), steps=5)
        # The part itself is drawn anew, and a new one comes.
        titled(other, "Third").locator("[data-do=pin]").click()
        expect(titled(page, "Third")).to_contain_text("pinned")
        add(other, "Fourth text.")
        expect(titled(page, "Fourth")).to_be_visible()
        titled(other, "Second").locator("[data-do=up]").click()
        order(page, "Second", "First", "Third", "Fourth")
        expect(page.locator(".chunk--held")).to_have_count(1)
        page.mouse.move(x, edge(page, "First", 0.2), steps=5)
    for one in (page, other):
        order(one, "Second", "Third", "First", "Fourth")

    # And when it is deleted, there is nothing left to be dragged.
    with held(page, "First") as x:
        page.mouse.move(x, edge(page, "Second", 0.2), steps=5)
        titled(other, "First").locator("[data-do=remove]").click()
        other.click("#ask-ok")
        expect(titled(page, "First")).to_have_count(0)
        expect(page.locator(".context__mark")).to_be_hidden()
    for one in (page, other):
        order(one, "Second", "Third", "Fourth")


def test_near_an_end_the_list_scrolls_on_by_itself(page, product):
    begin(page, product, "alpha question")
    names = [f"Note{number}" for number in range(9)]
    add(page, *(f"{name} {'long words ' * 30}" for name in names))
    with held(page, "Note8") as x:
        box = page.locator("#context-list").bounding_box()
        assert box is not None
        assert page.evaluate("document.getElementById('context-list').scrollTop") > 200
        page.mouse.move(x, box["y"] + 4, steps=5)
        page.wait_for_function(
            "() => document.getElementById('context-list').scrollTop === 0"
        )
    order(page, "Note8", *names[:8])
    with held(page, "Note8") as x:
        page.mouse.move(x, box["y"] + box["height"] - 4, steps=5)
        # Past the last of them come the messages, where it may not stand.
        page.wait_for_function(
            "() => { const l = document.getElementById('context-list');"
            " return l.scrollTop + l.clientHeight > l.scrollHeight - 4; }"
        )
    order(page, *names)


def test_who_wants_no_motion_sees_only_where_it_would_go(page, product):
    page.emulate_media(reduced_motion="reduce")
    begin(page, product, "alpha question")
    add(page, "First text.", "Second text.")
    with held(page, "Second") as x:
        page.mouse.move(x, edge(page, "First", 0.2), steps=5)
        expect(page.locator(".context__mark")).to_be_visible()
        moved = "getComputedStyle(document.querySelector('.chunk--held')).transform"
        assert page.evaluate(moved) == "none"
    order(page, "Second", "First")


def test_what_a_search_found_is_not_put_in_order(page, product):
    begin(page, product, "alpha question")
    add(page, "First text.", "Second text.")
    page.fill("#context-search", "text")
    expect(page.locator("#context-found")).to_contain_text("words: 2")
    expect(page.locator(".chunk__handle:visible")).to_have_count(0)
    page.fill("#context-search", "")
    expect(page.locator(".chunk__handle:visible")).to_have_count(2)
    expect(chunk(page, "alpha question").first.locator(".chunk__handle")).to_have_count(
        0
    )


def test_a_finger_drags_by_the_handle_and_scrolls_beside_it(chromium, product):
    context = chromium.new_context(
        base_url=product.url, storage_state=product.state, has_touch=True,
        viewport={"width": 390, "height": 844},
    )  # fmt: skip
    page = context.new_page()
    page.goto("/")
    ready(page)
    begin(page, product, "alpha question")
    add(
        page, *(f"{name} {'long words ' * 30}" for name in ("First", "Second", "Third"))
    )
    touch = context.new_cdp_session(page)

    def finger(kind: str, x: float, y: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def draw(x: float, y: float, to: float) -> None:
        finger("touchStart", x, y)
        for part in range(1, 11):
            finger("touchMove", x, y + (to - y) * part / 10)
            page.wait_for_timeout(30)
        finger("touchEnd", x, to)

    x, y = handle(page, "Second")
    draw(x, y, edge(page, "First", 0.2))
    order(page, "Second", "First", "Third")

    page.evaluate("document.getElementById('context-list').scrollTop = 0")
    box = titled(page, "First").bounding_box()
    assert box is not None
    draw(box["x"] + 200, box["y"] + 60, box["y"] - 200)
    page.wait_for_function(
        "() => document.getElementById('context-list').scrollTop > 50"
    )
    order(page, "Second", "First", "Third")
    context.close()


def test_a_panel_of_parts_with_handles_has_no_accessibility_violation(reader, product):
    page = reader.new_page()
    page.goto("/")
    ready(page)
    begin(page, product, "alpha question")
    add(page, "First text.", "Second text.")
    assert not violations(page)
    with held(page, "Second") as x:
        page.mouse.move(x, edge(page, "First", 0.2), steps=5)
        expect(page.locator(".context__mark")).to_be_visible()
    order(page, "Second", "First")
