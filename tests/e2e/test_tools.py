"""Tools in the page: a card for each call, and a person's word that outlives a reload."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ask, finished, last_answer, ready

INTENT = {
    "purpose": "research",
    "scope": "The notes of this conversation.",
    "risk_level": "low",
}


@pytest.fixture
def tooled(page: Page) -> Page:
    if page.get_attribute("#tools", "aria-pressed") == "false":
        page.click("#tools")
    return page


def wants(product, title: str = "Plan", **intent: str) -> None:
    """The next answer asks to keep a text, and then says something."""
    arguments = {"intent": INTENT | intent, "title": title, "text": "First the roof."}
    product.control("scripts", calls=[{"name": "context_add", "arguments": arguments}])
    product.control("scripts", text="It is done.")


def card(page: Page):
    return last_answer(page).locator(".tool").first


def test_a_card_says_what_is_wanted_why_and_how_risky_it_is(tooled, product):
    wants(product)
    ask(tooled, "Keep a plan")
    expect(card(tooled)).to_contain_text("context_add")
    expect(card(tooled)).to_contain_text("Research: The notes of this conversation.")
    expect(card(tooled)).to_contain_text("risk medium (the model said low)")
    expect(card(tooled)).to_contain_text("waits for you")
    card(tooled).get_by_role("button", name="Approve once").click()
    finished(tooled)
    expect(card(tooled)).to_contain_text("done")
    expect(card(tooled)).to_contain_text("Decided by admin")
    expect(last_answer(tooled)).to_contain_text("It is done.")


def test_an_approval_waits_over_a_reload_and_is_given_in_another_tab(
    tooled, product, window
):
    wants(product)
    ask(tooled, "Keep a plan")
    expect(card(tooled)).to_contain_text("waits for you")
    tooled.reload()
    ready(tooled)
    expect(card(tooled)).to_contain_text("waits for you")
    other = window.new_page()
    other.goto(tooled.url)
    ready(other)
    card(other).get_by_role("button", name="Approve once").click()
    for one in (tooled, other):
        expect(last_answer(one)).to_contain_text("It is done.")
        expect(card(one)).to_contain_text("Decided by admin")


def test_a_refusal_tells_the_model_why(tooled, product):
    wants(product)
    ask(tooled, "Keep a plan")
    card(tooled).get_by_role("button", name="Refuse").click()
    tooled.fill("#ask-input", "Keep nothing of this.")
    tooled.click("#ask-ok")
    finished(tooled)
    expect(card(tooled)).to_contain_text("refused")
    expect(card(tooled)).to_contain_text("Keep nothing of this.")
    expect(last_answer(tooled)).to_contain_text("It is done.")


def test_an_approval_for_the_conversation_is_asked_for_once(tooled, product):
    wants(product, "One")
    ask(tooled, "Keep a plan")
    card(tooled).get_by_role("button", name="Approve for this conversation").click()
    finished(tooled)
    wants(product, "Two")
    ask(tooled, "And another")
    finished(tooled)
    expect(card(tooled)).to_contain_text("done")
    tooled.click("#context-toggle")
    expect(
        tooled.locator("#context-chunks > li", has_text="First the roof.")
    ).to_have_count(2)


def test_a_harmless_call_runs_by_itself_and_shows_its_result(tooled, product):
    arguments = {"intent": INTENT}
    product.control("scripts", calls=[{"name": "current_time", "arguments": arguments}])
    product.control("scripts", text="That late.")
    ask(tooled, "What time is it?")
    finished(tooled)
    expect(card(tooled)).to_contain_text("UTC")
    expect(last_answer(tooled)).to_contain_text("That late.")


def test_a_call_without_a_reason_is_not_run(tooled, product):
    product.control("scripts", calls=[{"name": "current_time", "arguments": {}}])
    product.control("scripts", text="Sorry.")
    ask(tooled, "What time is it?")
    finished(tooled)
    expect(card(tooled)).to_contain_text("intent")
    expect(last_answer(tooled)).to_contain_text("Sorry.")
