"""From a question to its answer, in the browser: whatever happens to the page."""

import re
import time

from playwright.sync_api import expect

from tests.e2e.conftest import ask, finished, last_answer, ready


def test_the_first_answer_streams_and_says_who_gave_it(any_page):
    page = any_page
    ask(page, "Hello there")
    body = last_answer(page).locator(".message__body")
    expect(body).to_contain_text("You asked")
    early = len(body.inner_text())
    assert page.locator("#messages > li.message--live").count() == 1, (
        "it came all at once"
    )
    finished(page)
    assert len(body.inner_text()) > early
    expect(last_answer(page)).to_contain_text("Demo")
    expect(last_answer(page).locator(".message__facts summary")).to_contain_text(
        "tokens"
    )
    expect(page).to_have_url(re.compile(r"/c/[0-9a-f-]{36}/$"))
    expect(page.locator("#title")).to_have_text("Hello there")


def test_code_is_highlighted_and_can_be_copied(page, window):
    window.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "Show me some code")
    finished(page)
    expect(last_answer(page).locator("pre .hljs-keyword").first).to_be_visible()
    page.locator("[data-copy-code]").first.click()
    assert page.evaluate("navigator.clipboard.readText()").startswith("import time")


def test_reasoning_is_folded_apart_from_the_answer(page):
    ask(page, "Please reason about it")
    finished(page)
    details = last_answer(page).locator("details.reasoning")
    expect(details).to_be_visible()
    assert details.get_attribute("open") is None
    expect(last_answer(page).locator(".prose").last).to_contain_text(
        "Reasoning models think"
    )


def test_reloading_in_mid_answer_shows_the_whole_answer_once(page, product):
    text = " ".join(f"word{i}" for i in range(120))
    product.control("scripts", text=text, pace=40)
    ask(page, "Tell me")
    expect(last_answer(page)).to_contain_text("word5 ")
    page.reload()
    ready(page)
    expect(last_answer(page)).to_contain_text("word20")
    finished(page)
    assert last_answer(page).locator(".prose").inner_text().split() == text.split()


def test_the_tab_may_be_closed_and_the_answer_is_whole_afterwards(
    page, window, product
):
    text = " ".join(f"word{i}" for i in range(80))
    product.control("scripts", text=text, pace=40)
    ask(page, "Tell me")
    expect(last_answer(page)).to_contain_text("word3 ")
    url = page.url
    page.close()
    later = window.new_page()
    later.goto(url)
    finished(later)
    assert last_answer(later).locator(".prose").inner_text().split() == text.split()


def test_a_second_tab_follows_the_same_answer(page, window, product):
    text = " ".join(f"word{i}" for i in range(100))
    product.control("scripts", text=text, pace=40)
    ask(page, "Tell me")
    expect(last_answer(page)).to_contain_text("word3 ")
    other = window.new_page()
    other.goto(page.url)
    expect(last_answer(other)).to_contain_text("word30")
    for tab in (page, other):
        finished(tab)
        assert last_answer(tab).locator(".prose").inner_text().split() == text.split()


def test_stop_ends_the_answer_and_keeps_its_text(page, product):
    product.control("scripts", text="one two " * 2000, pace=50)
    ask(page, "Tell me")
    expect(last_answer(page)).to_contain_text("one two one two")
    page.click("#stop")
    finished(page, within_ms=1000)
    expect(last_answer(page)).to_contain_text("Stopped. What had arrived is kept.")
    expect(last_answer(page)).to_contain_text("one two one two")
    expect(page.locator("#stop")).to_be_hidden()


def test_regenerating_gives_a_second_version_and_both_stay(page, product):
    product.control("scripts", text="the first version")
    ask(page, "Say something")
    finished(page)
    product.control("scripts", text="the second version")
    last_answer(page).get_by_role("button", name="Regenerate").click()
    expect(last_answer(page)).to_contain_text("the second version")
    finished(page)
    expect(last_answer(page)).to_contain_text("2/2")
    last_answer(page).get_by_role("button", name="Earlier version").click()
    expect(last_answer(page)).to_contain_text("the first version")
    expect(last_answer(page)).to_contain_text("1/2")


def test_editing_a_question_makes_a_branch_and_the_old_one_stays(page, product):
    product.control("scripts", text="about cats")
    ask(page, "Tell me about cats")
    finished(page)
    product.control("scripts", text="about dogs")
    page.locator(".message--mine [data-action=edit]").click()
    page.fill("#ask-input", "Tell me about dogs")
    page.click("#ask-ok")
    expect(last_answer(page)).to_contain_text("about dogs")
    finished(page)
    assert page.locator("#messages > li").count() == 2
    question = page.locator(".message--mine")
    expect(question).to_contain_text("2/2")
    question.get_by_role("button", name="Earlier version").click()
    expect(last_answer(page)).to_contain_text("about cats")


def test_a_second_question_waits_for_its_turn(page, product):
    product.control("scripts", text="slow words " * 40, pace=40, match="first")
    product.control("scripts", text="answer to the second", match="second")
    ask(page, "the first")
    expect(last_answer(page)).to_contain_text("slow words")
    ask(page, "the second")
    expect(last_answer(page)).to_contain_text("Waiting for its turn")
    expect(last_answer(page)).to_contain_text("answer to the second")
    finished(page)


def test_a_failure_is_said_in_words_and_can_be_tried_again(page, product):
    product.control("faults", kind="status", status=500)
    ask(page, "Will it work?")
    alert = last_answer(page).get_by_role("alert")
    expect(alert).to_be_visible()
    assert "Traceback" not in alert.inner_text()
    expect(page.locator(".message--mine")).to_contain_text("Will it work?")
    product.control("scripts", text="now it works")
    alert.get_by_role("button", name="Try again").click()
    expect(last_answer(page)).to_contain_text("now it works")
    finished(page)


def test_a_cut_answer_keeps_its_text_and_says_so(page, product):
    product.control("faults", kind="cut")
    product.control("scripts", text="kept words before the cut and nothing after it")
    ask(page, "Cut me off")
    expect(last_answer(page).get_by_role("alert")).to_be_visible()
    expect(last_answer(page)).to_contain_text("kept words")


def test_a_lost_connection_loses_nothing(page, product):
    text = " ".join(f"word{i}" for i in range(150))
    product.control("scripts", text=text, pace=40)
    ask(page, "Tell me")
    expect(last_answer(page)).to_contain_text("word5 ")
    page.context.set_offline(True)
    page.wait_for_timeout(1500)
    page.context.set_offline(False)
    finished(page)
    assert last_answer(page).locator(".prose").inner_text().split() == text.split()


def test_a_question_goes_to_the_conversation_that_is_opened_not_to_the_one_before(page):
    """Over a slow line somebody types before the messages are there."""
    for words in ("Of the first", "Of the second"):
        page.goto("/")
        ready(page)
        ask(page, words)
        finished(page)
    second = page.url
    page.route("**/messages/", lambda route: (time.sleep(1), route.continue_()))
    page.get_by_role("link", name="Of the first").first.click()
    page.wait_for_url(lambda url: "/c/" in url and url != second)
    page.fill("#question", "Asked at once")
    page.press("#question", "Enter")
    page.unroute_all(behavior="wait")
    expect(page.locator("#messages")).to_contain_text("Of the first")
    expect(page.locator("#messages > li.message--mine").last).to_contain_text(
        "Asked at once"
    )
    finished(page)
    page.goto(second)
    expect(page.locator("#messages")).to_contain_text("Of the second")
    expect(page.locator("#messages")).not_to_contain_text("Asked at once")
