"""The context panel in the browser: what is sent, pruned by hand, live in every tab."""

from __future__ import annotations

import json

import requests
from playwright.sync_api import Page, expect

from tests.context_app import documents
from tests.e2e.conftest import ask, finished, last_answer, ready

CHUNKS = "#context-chunks > li"


def begin(page: Page, product, *texts: str) -> None:
    """A conversation of these questions, with its panel open."""
    for text in texts:
        product.control("scripts", text=f"Answer to {text}")
        ask(page, text)
        finished(page)
    page.click("#context-toggle")


def chunk(page: Page, text: str):
    return page.locator(CHUNKS, has_text=text)


def last_request(product) -> str:
    found = requests.get(f"{product.emulator}/_emulator/requests", timeout=5).json()
    return str(found["requests"][-1]["body"])


def sums_up(page: Page) -> None:
    """The tokens of the listed chunks are the number above them."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('#context-chunks > li')]"
        ".reduce((sum, li) => sum + Number(li.dataset.tokens), 0)"
        " === Number(document.getElementById('context-used').dataset.used)"
    )


def test_the_list_says_it_is_empty_only_when_it_is(page, product):
    page.click("#context-toggle")
    expect(page.locator("#context-empty")).to_be_visible()
    expect(page.locator(CHUNKS)).to_have_count(0)
    page.click("#context-close")
    begin(page, product, "alpha question")
    expect(page.locator(CHUNKS)).to_have_count(2)
    expect(page.locator("#context-empty")).to_be_hidden()
    for index in range(2):
        node = page.locator(CHUNKS).nth(index)
        key = str(node.get_attribute("id"))
        assert key.startswith("context-chunk-")
        expect(page.locator(f'[id="{key}"]')).to_have_count(1)
    sums_up(page)


def test_what_is_excluded_or_deleted_is_not_sent_and_the_transcript_stays(
    page, product
):
    begin(page, product, "alpha secret", "beta secret")
    before = page.locator("#messages").inner_text()
    chunk(page, "alpha secret").first.locator("[data-do=exclude]").click()
    expect(chunk(page, "alpha secret").first).to_contain_text("not sent")
    chunk(page, "Answer to alpha").locator("[data-do=remove]").click()
    expect(chunk(page, "Answer to alpha")).to_have_count(0)
    sums_up(page)
    assert page.locator("#messages").inner_text() == before

    product.control("scripts", text="Answer to gamma")
    ask(page, "gamma")
    finished(page)
    sent = last_request(product)
    assert "alpha" not in sent and "beta secret" in sent
    expect(page.locator("#messages")).to_contain_text("alpha secret")
    expect(page.locator(CHUNKS, has_text="Answer to gamma")).to_be_visible()
    sums_up(page)

    page.click("#context-back")
    expect(chunk(page, "Answer to alpha")).to_be_visible()


def test_the_number_above_the_bar_is_the_sum_of_the_legend_with_tools_too(
    page, product
):
    begin(page, product, "alpha question")
    legend, number = page.locator("#context-legend b"), page.locator("#context-used")
    expect(legend).to_have_count(1)
    page.click("#tools")
    expect(legend).to_have_count(2)
    parts = [int(words.replace(",", "")) for words in legend.all_inner_texts()]
    assert number.inner_text().startswith(f"{sum(parts):,} ")
    sums_up(page)


def test_two_tabs_see_each_others_changes(page, product, window):
    begin(page, product, "alpha question")
    other = window.new_page()
    other.goto(page.url)
    ready(other)
    other.click("#context-toggle")
    expect(other.locator(CHUNKS)).to_have_count(2)
    page.click("#context-add")
    page.fill("#chunk-title", "Notes")
    page.fill("#chunk-text", "The roof leaks.")
    page.click("#chunk-save")
    expect(chunk(other, "The roof leaks.")).to_be_visible()
    chunk(other, "The roof leaks.").locator("[data-do=pin]").click()
    expect(chunk(page, "The roof leaks.")).to_contain_text("pinned")
    chunk(other, "The roof leaks.").locator("[data-do=remove]").click()
    other.click("#ask-ok")
    expect(chunk(page, "The roof leaks.")).to_have_count(0)
    expect(page.locator(CHUNKS)).to_have_count(2)


def test_words_can_be_given_before_the_first_question(page, product):
    page.click("#context-toggle")
    page.click("#context-add")
    page.select_option("#chunk-kind", "persona")
    page.fill("#chunk-title", "Pirate")
    page.fill("#chunk-text", "Speak like a pirate.")
    page.click("#chunk-save")
    expect(chunk(page, "Speak like a pirate.")).to_be_visible()
    product.control("scripts", text="Arr.")
    ask(page, "Hello")
    finished(page)
    assert "Speak like a pirate." in last_request(product)
    expect(last_answer(page)).to_contain_text("Arr.")


def test_the_panel_and_the_list_of_conversations_show_where_words_stand(page, product):
    begin(page, product, "alpha question", "beta question")
    page.fill("#context-search", "answer ALPH")
    expect(page.locator("#context-found")).to_contain_text("words: 1")
    expect(page.locator(f"{CHUNKS}:visible")).to_have_count(1)
    expect(page.locator(f"{CHUNKS} mark")).to_have_text(["Answer", "alph"])
    page.fill("#context-search", "")
    expect(page.locator(f"{CHUNKS}:visible")).to_have_count(4)
    expect(page.locator(f"{CHUNKS} mark")).to_have_count(0)
    sums_up(page)
    page.fill("#search", "beta answ")
    place = page.locator(".conversation__found mark").first
    expect(place).to_be_visible()


def test_files_are_chosen_or_dropped_and_their_text_is_sent(page, product):
    with page.expect_file_chooser() as chosen:
        page.click("#attach")
    chosen.value.set_files(
        {
            "name": "survey.pdf",
            "mimeType": "text/plain",
            "buffer": documents.pdf("The roof leaks"),
        }
    )
    expect(page.locator("#attach-status")).to_contain_text("survey.pdf")
    page.click("#context-toggle")
    expect(chunk(page, "The roof leaks")).to_contain_text("1 page")
    dropped = page.evaluate_handle(
        "() => { const data = new DataTransfer();"
        " data.items.add(new File(['All is dry.'], 'cellar.md')); return data; }"
    )
    page.dispatch_event("#thread", "drop", {"dataTransfer": dropped})
    expect(chunk(page, "All is dry.")).to_contain_text("cellar.md")
    product.control("scripts", text="Both.")
    ask(page, "What now?")
    finished(page)
    sent = last_request(product)
    assert "The roof leaks" in sent and "All is dry." in sent
    sums_up(page)


def test_the_exact_request_is_shown_with_what_is_new(page, product):
    begin(page, product, "alpha question")
    page.click("#context-add")
    page.fill("#chunk-title", "Notes")
    page.fill("#chunk-text", "The roof leaks.")
    page.click("#chunk-save")
    expect(page.locator("#chunk-dialog")).to_be_hidden()
    page.fill("#question", "And the cellar?")
    page.click("#context-exact")
    expect(
        page.locator("#exact-diff .diff__new", has_text="The roof leaks.")
    ).to_be_visible()
    shown = json.loads(page.locator("#exact-body").inner_text())
    page.keyboard.press("Escape")
    product.control("scripts", text="Dry.")
    page.press("#question", "Enter")
    expect(last_answer(page)).to_contain_text("Dry.")
    finished(page)
    assert json.loads(last_request(product)) == shown


def test_what_was_sent_is_read_step_by_step_in_the_details_of_an_answer(page, product):
    product.control("scripts", text="Blue.")
    ask(page, "What colour?")
    finished(page)
    sent = last_request(product)
    last_answer(page).locator(".message__facts summary").first.click()
    last_answer(page).get_by_role("button", name="What was sent").click()
    shown = page.locator("#sent-list pre").first
    expect(shown).to_contain_text("What colour?")
    assert json.loads(shown.inner_text()) == json.loads(sent)
    with page.expect_download() as saved:
        page.click("#sent-save")
    kept = json.loads(saved.value.path().read_text())["requests"]
    assert kept[0]["body"] == json.loads(sent)


def test_a_text_is_edited_moved_and_kept_in_the_library(page, product):
    begin(page, product, "alpha question")
    for title in ("First", "Second"):
        page.click("#context-add")
        page.fill("#chunk-title", title)
        page.fill("#chunk-text", f"{title} text.")
        page.click("#chunk-save")
        expect(chunk(page, f"{title} text.")).to_be_visible()
    chunk(page, "Second text.").locator("[data-do=up]").click()
    expect(page.locator(CHUNKS).first).to_contain_text("Second text.")
    chunk(page, "First text.").locator("[data-do=edit]").click()
    page.fill("#chunk-text", "Another text.")
    page.click("#chunk-keep")
    page.click("#chunk-save")
    expect(chunk(page, "Another text.")).to_be_visible()
    page.click("#context-library")
    entry = page.locator("#library-list > li", has_text="Another text.")
    entry.get_by_role("button", name="Attach").click()
    expect(page.locator(CHUNKS, has_text="Another text.")).to_have_count(2)


def test_a_summary_stands_for_the_earlier_messages_until_it_is_deleted(page, product):
    begin(page, product, "one", "two", "three", "four")
    product.control("scripts", text="They counted to two.")
    page.click("#context-summarise")
    page.click("#ask-ok")
    expect(chunk(page, "They counted to two.")).to_be_visible()
    expect(chunk(page, "In the summary")).to_have_count(4)
    sums_up(page)
    chunk(page, "They counted to two.").locator("[data-do=remove]").click()
    page.click("#ask-ok")
    expect(chunk(page, "In the summary")).to_have_count(0)


def test_the_panel_is_found_and_left_by_keyboard_on_a_phone(phone, product):
    page = phone.new_page()
    page.goto("/")
    ready(page)
    page.focus("#context-toggle")
    page.keyboard.press("Enter")
    expect(page.locator("#context-panel")).to_be_visible()
    expect(page.locator("#context-close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#context-panel")).to_be_hidden()
    expect(page.locator("#context-toggle")).to_be_focused()
