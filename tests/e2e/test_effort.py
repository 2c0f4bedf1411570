"""The effort of reasoning beside the question box: what is chosen is what is asked for."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import ask, finished, last_answer, ready
from tests.e2e.test_context_panel import begin, last_request


@pytest.fixture(params=["page", "phone"])
def chat(request: pytest.FixtureRequest) -> Page:
    """An empty chat page, on a desktop and on a phone, with an OpenAI model that reasons."""
    found = request.getfixturevalue(request.param)
    if request.param == "phone":
        found = found.new_page()
        found.goto("/")
        ready(found)
    choose(found, "gpt-5.4")
    return found


def choose(page: Page, model: str) -> None:
    page.click("#picker")
    page.fill("#models-filter", f"{model} demo_openai")
    page.locator(".models__item", has_text=model).first.click()
    expect(page.locator("#picker-model")).to_have_text(model)


def asked_effort(product) -> str | None:
    """What the vendor was asked for with the newest request."""
    found: str | None = json.loads(last_request(product))["reasoning"].get("effort")
    return found


def test_what_is_chosen_goes_with_questions_edits_and_other_versions(page, product):
    chat = page
    choose(chat, "gpt-5.4")
    ask(chat, "First, as usual")
    finished(chat)
    assert asked_effort(product) is None

    chat.select_option("#effort", "high")
    ask(chat, "Then with an effort")
    finished(chat)
    assert asked_effort(product) == "high"
    last_answer(chat).locator(".message__facts summary").click()
    facts = last_answer(chat).locator(".facts")
    expect(facts).to_contain_text("Reasoning effort asked for")
    expect(facts).to_contain_text("high")

    chat.select_option("#effort", "low")
    last_answer(chat).locator("[data-action=regenerate]").click()
    expect(last_answer(chat)).to_contain_text("2/2")
    finished(chat)
    assert asked_effort(product) == "low"

    chat.select_option("#effort", "max")
    chat.locator("#question").press("ArrowUp")
    chat.fill("#ask-input", "Put differently")
    chat.press("#ask-input", "Enter")
    expect(chat.locator("#messages > li.message--mine").last).to_contain_text(
        "Put differently"
    )
    finished(chat)
    assert asked_effort(product) == "max"


def test_the_choice_is_kept_in_this_browser_and_made_by_keyboard(chat, product):
    chat.locator("#tools").focus()
    chat.keyboard.press("Tab")
    expect(chat.locator("#effort")).to_be_focused()
    chat.keyboard.type("Effort: med")
    expect(chat.locator("#effort")).to_have_value("medium")
    chat.reload()
    ready(chat)
    expect(chat.locator("#effort")).to_have_value("medium")
    ask(chat, "After a reload")
    finished(chat)
    assert asked_effort(product) == "medium"


def test_a_model_that_does_not_reason_is_offered_none_and_asked_for_none(chat, product):
    chat.select_option("#effort", "high")
    choose(chat, "gpt-4o-mini")
    expect(chat.locator("#effort")).to_be_hidden()
    ask(chat, "Without")
    finished(chat)
    assert "reasoning" not in json.loads(last_request(product))
    last_answer(chat).locator(".message__facts summary").click()
    expect(last_answer(chat).locator(".facts")).not_to_contain_text("effort")
    chat.reload()  # the page learns of it again from the conversation's model
    ready(chat)
    expect(chat.locator("#effort")).to_be_hidden()

    choose(chat, "gpt-5.4")
    expect(chat.locator("#effort")).to_have_value("high")
    expect(chat.locator("#effort")).to_be_visible()


def test_the_question_box_fits_while_an_answer_is_written(chat, product):
    chat.select_option("#effort", "minimal")
    product.control("scripts", text="slow words " * 60, pace=40)
    ask(chat, "A long one")
    expect(chat.locator("#steer")).to_be_visible()
    inside = chat.evaluate(
        """() => { const box = document.getElementById("composer").getBoundingClientRect();
          return [...document.querySelectorAll("#composer :is(button, select, textarea)")]
            .map((node) => node.getBoundingClientRect())
            .every((r) => r.left >= box.left && r.right <= box.right && r.bottom <= box.bottom); }"""
    )
    assert inside
    assert chat.evaluate("document.documentElement.scrollWidth <= innerWidth")
    chat.click("#stop")
    finished(chat)


def test_the_exact_request_follows_effort_tools_and_model(page, product):
    choose(page, "gpt-5.4")  # the usual one is whichever was used last
    begin(page, product, "alpha question")
    page.click("#context-exact")
    shown = page.locator("#exact-body")
    expect(shown).to_contain_text("alpha question")
    page.select_option("#effort", "low")
    expect(shown).to_contain_text('"effort": "low"')
    expect(shown).not_to_contain_text("web_fetch")
    page.click("#tools")
    expect(shown).to_contain_text("web_fetch")
    choose(page, "gpt-4o-mini")
    expect(shown).to_contain_text('"model": "gpt-4o-mini"')
    expect(shown).not_to_contain_text("effort")


def test_a_model_that_is_chosen_while_the_conversation_still_comes_stays_chosen(page):
    choose(page, "gpt-5.4")
    ask(page, "Which one")
    finished(page)
    held: list[Route] = []
    page.route("**/api/conversations/*/", lambda route: held.append(route))
    page.reload()
    ready(page)
    choose(page, "gpt-4o-mini")
    assert held
    for route in held:
        route.continue_()
    expect(last_answer(page)).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator("#picker-model")).to_have_text("gpt-4o-mini")
