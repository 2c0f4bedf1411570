"""Retries, failover, steering and going on, as a person sees them."""

from __future__ import annotations

import re

import requests
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ask, finished, last_answer, ready

LONG = " ".join(f"word{at}" for at in range(400))


def open_settings(page: Page) -> None:
    page.click("#answering")
    expect(page.locator("#answering-dialog")).to_be_visible()


def save_settings(page: Page) -> None:
    page.locator("#answering-form").get_by_role("button", name="Save").click()
    expect(page.locator("#answering-dialog")).to_be_hidden()


def choose_retries(page: Page, attempts: str) -> None:
    open_settings(page)
    page.select_option("#answering-attempts", attempts)
    save_settings(page)


def bodies(product) -> list[str]:
    found = requests.get(f"{product.emulator}/_emulator/requests", timeout=5).json()
    return [str(r["body"]) for r in found["requests"]]


def test_a_wait_counts_down_says_why_and_can_be_stopped(page, product):
    choose_retries(page, "3")
    product.control("faults", kind="status", status=503, retry_after_s=40, times=1)
    ask(page, "Are you there?")
    status = last_answer(page).locator("[role=status]")
    expect(status).to_contain_text("the vendor has too much to do")
    first = int(re.findall(r"in (\d+) s", status.inner_text())[0])
    page.wait_for_timeout(2500)
    assert int(re.findall(r"in (\d+) s", status.inner_text())[0]) < first
    page.click("#stop")
    finished(page)
    expect(last_answer(page)).to_contain_text("Stopped.")


def test_every_failed_request_is_in_the_details(page, product):
    choose_retries(page, "3")
    product.control("faults", kind="status", status=503, retry_after_s=1, times=1)
    product.control("scripts", text="At last.")
    ask(page, "Are you there?")
    finished(page)
    expect(last_answer(page)).to_contain_text("At last.")
    last_answer(page).locator(".message__facts summary").click()
    attempts = last_answer(page).locator(".attempts__list li")
    expect(attempts).to_have_count(2)
    expect(attempts.first).to_contain_text("overloaded")
    expect(attempts.first).to_contain_text("tried again after 1 s")
    expect(attempts.last).to_contain_text("answered")


def test_a_chosen_fallback_answers_and_is_named(page, product):
    open_settings(page)
    page.click("#answering-add")
    other = page.locator("#models-list button:not([aria-pressed=true])").last
    other.click()
    expect(page.locator("#answering-list li")).to_have_count(1)
    save_settings(page)
    product.control("faults", kind="status", status=503, times=1)
    product.control("scripts", text="I am the other one.")
    ask(page, "Are you there?")
    finished(page)
    expect(last_answer(page)).to_contain_text("I am the other one.")
    expect(last_answer(page)).to_contain_text("Answered by “")
    page.reload()
    ready(page)
    expect(last_answer(page)).to_contain_text("because “demo_")


def test_words_reach_an_answer_that_is_on_its_way(page, product, window):
    product.control("scripts", text=LONG, pace=40)
    product.control("scripts", text="En français, alors.")
    ask(page, "Tell me")
    expect(last_answer(page)).to_contain_text("word5 ")
    other = window.new_page()
    other.goto(page.url)
    ready(other)
    page.fill("#question", "in French, please")
    page.press("#question", "Control+Enter")
    for one in (page, other):
        expect(last_answer(one).locator(".steer")).to_contain_text("in French, please")
        expect(last_answer(one)).to_contain_text("En français, alors.")
    finished(page)
    expect(page.locator("#messages > li")).to_have_count(2)
    text = last_answer(page).inner_text()
    assert text.index("word5") < text.index("in French") < text.index("En français")
    page.reload()
    ready(page)
    expect(last_answer(page).locator(".steer")).to_contain_text("in French, please")
    assert "in French, please" in bodies(product)[-1]


# A tab that lost its connection says it again when it is back.
SAID = """([run, words]) => sessionStorage.setItem(
  `maestro.outbox.${document.body.dataset.person}`,
  JSON.stringify([["late", { type: "steer", run_id: run, text: words, client_message_id: "late" }]]))"""
UNSENT = "sessionStorage.getItem(`maestro.outbox.${document.body.dataset.person}`)"
WITHOUT = (
    "from sessions_app.models import Run; "
    "run = Run.objects.latest('created_at'); run.credential = None; run.save(); "
    "print(run.pk)"
)


def test_words_that_cannot_be_asked_any_more_stay_with_the_reason(page, product):
    ask(page, "Say something")
    finished(page)
    run = product.started.manage("shell", "-v0", "-c", WITHOUT).strip()
    page.evaluate(SAID, [run, "And be short"])
    page.reload()
    ready(page)
    said = page.locator("#messages > li.message--mine").last
    expect(said).to_contain_text("And be short")
    trouble = last_answer(page).locator(".trouble")
    expect(trouble).to_contain_text("is gone or no longer shared with you")
    expect(trouble.get_by_role("link", name="Credentials")).to_be_visible()
    assert page.evaluate(UNSENT) == "[]"
    page.reload()
    ready(page)
    expect(page.locator("#messages > li")).to_have_count(4)
    trouble.get_by_role("button", name="Try again", exact=True).click()
    finished(page)
    expect(last_answer(page).locator(".trouble")).to_have_count(0)


def test_a_follow_up_waits_in_the_queue(page, product):
    product.control("scripts", text=" ".join(LONG.split()[:60]), pace=40)
    product.control("scripts", text="And this.")
    ask(page, "First")
    expect(last_answer(page)).to_contain_text("word5 ")
    ask(page, "Second")
    expect(last_answer(page)).to_contain_text("Waiting for its turn")
    finished(page)
    expect(last_answer(page)).to_contain_text("And this.")
    expect(page.locator("#messages > li")).to_have_count(4)


def test_a_broken_answer_goes_on_after_its_price_was_said(page, product):
    page.click("#picker")
    page.fill("#models-filter", "claude")
    page.locator("#models-list button").first.click()
    product.control("scripts", text=LONG, pace=60)
    ask(page, "Tell me")
    expect(last_answer(page)).to_contain_text("word8 ")
    page.click("#stop")
    finished(page)
    product.control("scripts", text=" And the rest of it.")
    last_answer(page).get_by_role("button", name="Continue").click()
    expect(page.locator("#ask-text")).to_contain_text("words that arrived stay")
    expect(page.locator("#ask-text")).to_contain_text("paid for")
    page.click("#ask-ok")
    expect(last_answer(page)).to_contain_text("And the rest of it.")
    expect(last_answer(page)).to_contain_text("word8 ")
    expect(page.locator("#messages > li")).to_have_count(2)
