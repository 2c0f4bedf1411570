"""Reading along: the page stays at the end, unless the person reads something above it."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import ask, away_from_end, finished, last_answer, ready

CLOSABLE = """
(() => {
  const Real = WebSocket;
  window.__sockets = [];
  window.WebSocket = class extends Real {
    constructor(...words) {
      super(...words);
      window.__sockets.push(this);
      this.addEventListener("message", (event) => {
        if (window.__deaf) event.stopImmediatePropagation();
      });
    }
  };
})()
"""
# How far the words of each element stay from its two sides.
GAPS = """(all) => all.map((e) => {
  const range = document.createRange();
  range.selectNodeContents(e);
  const [words, box] = [range.getBoundingClientRect(), e.getBoundingClientRect()];
  return { left: words.left - box.left, right: box.right - words.right };
})"""
TABLE = (
    "Before.\n\n"
    + "| a | b |\n|---|---|\n"
    + "".join(f"| row {i} | value |\n" for i in range(30))
    + "\n```python\n"
    + "".join(f"line_{i} = {i}\n" for i in range(40))
    + "```\n\nThe very end."
)


@pytest.mark.parametrize("text", ["long", TABLE], ids=["prose", "tall-blocks"])
def test_the_end_stays_in_sight_while_it_grows_and_when_it_is_over(
    any_page, product, text
):
    page = any_page
    if text == "long":
        text = "\n\n".join(f"Paragraph {i} with a few words in it." for i in range(60))
    product.control("scripts", text=text, pace=120)
    page.evaluate(
        """() => {
          window.__away = [];
          const thread = document.getElementById("thread");
          const look = () => {
            window.__away.push(thread.scrollHeight - thread.scrollTop - thread.clientHeight);
            setTimeout(() => requestAnimationFrame(() => setTimeout(look)), 20);
          };
          look();
        }"""
    )
    ask(page, "Tell me")
    finished(page)
    page.wait_for_timeout(300)
    seen = page.evaluate("window.__away")
    assert len(seen) > 20
    assert max(seen) <= 2, f"{max(seen)} pixels away, of {len(seen)} looks"
    expect(page.locator("#latest")).to_be_hidden()


def test_who_scrolls_up_stays_there_and_finds_the_way_back(page, product):
    product.control("scripts", text="some words\n\n" * 400, pace=150)
    ask(page, "Tell me")
    page.wait_for_function(
        "() => document.getElementById('thread').scrollHeight > 2000", timeout=20_000
    )
    page.mouse.move(700, 400)
    page.mouse.wheel(0, -700)
    expect(page.locator("#latest")).to_be_visible()
    top = page.evaluate("document.getElementById('thread').scrollTop")
    height = page.evaluate("document.getElementById('thread').scrollHeight")
    page.wait_for_function(
        f"() => document.getElementById('thread').scrollHeight > {height + 300}"
    )
    assert abs(page.evaluate("document.getElementById('thread').scrollTop") - top) < 3
    page.click("#latest")
    expect(page.locator("#latest")).to_be_hidden()
    page.wait_for_timeout(400)
    assert away_from_end(page) <= 2
    page.click("#stop")
    finished(page)
    page.wait_for_timeout(200)
    assert away_from_end(page) <= 2


def test_what_is_unfolded_opens_under_the_pointer(page, product):
    product.control("scripts", reasoning="A thought. " * 300, text="word " * 400)
    ask(page, "Think about it")
    finished(page)
    summary = last_answer(page).locator(".message__facts summary")
    before = summary.bounding_box()["y"]
    summary.click()
    expect(last_answer(page).locator(".facts")).to_be_visible()
    page.wait_for_timeout(200)
    assert abs(summary.bounding_box()["y"] - before) < 30


def test_another_version_appears_where_the_first_one_was(page, product):
    for i in range(3):
        product.control("scripts", text=f"filler {i} " * 300, pace=0)
        ask(page, f"Filler {i}")
        finished(page)
    product.control("scripts", text="rewritten " * 500, pace=0)
    first = page.locator("#messages > li:not(.message--mine)").first
    first.get_by_role("button", name="Regenerate").click()
    finished(page)
    expect(page.locator("#messages > li")).to_have_count(2)
    back = first.get_by_role("button", name="Earlier version")
    back.focus()
    before = back.bounding_box()["y"]
    page.keyboard.press("Enter")
    expect(page.locator("#messages > li")).to_have_count(6)
    expect(first).to_contain_text("filler 0")
    page.wait_for_timeout(200)
    assert abs(back.bounding_box()["y"] - before) < 3
    expect(first.get_by_role("button", name="Later version")).to_be_focused()


def test_a_closed_socket_is_said_opens_again_and_nothing_is_missing(window, product):
    page = window.new_page()
    page.add_init_script(CLOSABLE)
    page.goto("/")
    ready(page)
    text = " ".join(f"word{i}" for i in range(150))
    product.control("scripts", text=text, pace=40)
    ask(page, "Tell me")
    expect(last_answer(page)).to_contain_text("word5 ")
    for _ in range(3):
        sockets = page.evaluate("window.__sockets.length")
        page.evaluate("window.__sockets.at(-1).close()")
        expect(page.locator("#connection")).to_contain_text("Connection lost")
        page.wait_for_function(f"() => window.__sockets.length > {sockets}")
        expect(page.locator("#connection")).to_be_hidden()
    finished(page)
    assert last_answer(page).locator(".prose").inner_text().split() == text.split()


def test_a_question_asked_without_a_connection_is_sent_once_when_it_is_back(
    window, product
):
    page = window.new_page()
    page.add_init_script(CLOSABLE)
    page.goto("/")
    ready(page)
    ask(page, "First, to begin")
    finished(page)
    page.evaluate("window.__sockets.at(-1).close()")
    page.fill("#question", "Asked in the dark")
    page.press("#question", "Enter")
    expect(page.locator(".message--mine")).to_have_count(2)
    finished(page)
    expect(page.locator(".message--mine").last).to_contain_text("Asked in the dark")
    expect(page.locator("#messages > li")).to_have_count(4)


def test_what_was_asked_elsewhere_in_the_meantime_is_there_after_a_reconnect(
    window, product
):
    page = window.new_page()
    page.add_init_script(CLOSABLE)
    page.goto("/")
    ready(page)
    ask(page, "Shared by two tabs")
    finished(page)
    other = window.new_page()
    other.goto(page.url)
    ready(other)
    expect(other.locator("#messages > li")).to_have_count(2)
    # Deaf rather than closed: it says nothing of what happens now, and is closed later.
    page.evaluate("window.__deaf = true")
    ask(other, "Asked in the other tab")
    finished(other)
    expect(page.locator("#messages > li")).to_have_count(2)
    page.evaluate("() => { window.__deaf = false; window.__sockets.at(-1).close(); }")
    expect(page.locator("#messages > li")).to_have_count(4)
    expect(last_answer(page)).to_contain_text("Asked in the other tab")


def test_a_tab_on_another_branch_is_taken_along_whole(page, window, product):
    product.control("scripts", text="about cats")
    ask(page, "Tell me about cats")
    finished(page)
    ask(page, "More about cats")
    finished(page)
    other = window.new_page()
    other.goto(page.url)
    ready(other)
    expect(other.locator("#messages > li")).to_have_count(4)
    product.control("scripts", text="about dogs")
    page.locator(".message--mine [data-action=edit]").first.click()
    page.fill("#ask-input", "Tell me about dogs")
    page.click("#ask-ok")
    expect(page.locator("#messages > li")).to_have_count(2)
    finished(page)
    expect(other.locator("#messages > li")).to_have_count(2)
    back = other.locator(".message--mine").get_by_role("button", name="Earlier version")
    back.click()
    expect(other.locator("#messages > li")).to_have_count(4)
    ask(page, "And more about dogs")
    expect(other.locator("#messages > li")).to_have_count(4)
    expect(other.locator("#messages > li").first).to_contain_text("about dogs")
    finished(other)


def test_stop_ends_the_one_that_is_written_before_the_one_that_waits(page, product):
    product.control("scripts", text="slow words " * 400, pace=40, match="first")
    product.control("scripts", text="answer to the second", match="second")
    ask(page, "the first")
    expect(last_answer(page)).to_contain_text("slow words")
    ask(page, "the second")
    expect(last_answer(page)).to_contain_text("Waiting for its turn")
    page.click("#stop")
    finished(page)
    expect(page.locator("#messages > li").nth(1)).to_contain_text("Stopped.")
    expect(last_answer(page)).to_contain_text("answer to the second")


def test_words_from_right_to_left_begin_at_the_right(page, product):
    product.control("scripts", text="שלום, עולם.\n\nHello, world.")
    page.fill("#question", "מה שלומך?")
    assert page.locator("#question").evaluate("e => e.matches(':dir(rtl)')")
    page.keyboard.press("Enter")
    finished(page)
    gaps = last_answer(page).locator(".prose p").evaluate_all(GAPS)
    hebrew, english = gaps
    assert hebrew["right"] < 2 < hebrew["left"]
    assert english["left"] < 2 < english["right"]


def test_a_wide_table_scrolls_on_a_phone_and_breaks_no_word(phone, product):
    page = phone.new_page()
    page.goto("/")
    ready(page)
    row = "| " + " | ".join(["consectetur"] * 7) + " |\n"
    product.control("scripts", text=row + "|---" * 7 + "|\n" + row)
    ask(page, "Compare them")
    finished(page)
    table = last_answer(page).locator(".prose__scroll")
    cell = table.locator("td").first
    line = cell.evaluate("e => parseFloat(getComputedStyle(e).lineHeight)")
    assert cell.evaluate("e => e.clientHeight") < 2 * line
    assert table.evaluate("e => e.scrollWidth > e.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
