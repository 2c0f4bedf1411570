"""From the printed link to the first answer, and in and out again."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import ask, finished, last_answer, ready, watch
from tests.e2e.started import PASSWORD, Started


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """An installation that nobody has set up yet."""
    started = Started(tmp_path_factory.mktemp("first") / "data", is_first=True)
    yield started
    started.stop()


def test_the_printed_link_leads_to_a_password_and_to_an_answer_and_works_once(
    untouched, chromium
):
    context = chromium.new_context(base_url=untouched.url)
    page = context.new_page()
    troubles = []
    page.goto("/")
    expect(page.locator("#setup-first")).to_contain_text("Open the “Set up” link")
    page.goto(untouched.setup_url)
    expect(page.locator("#demo-banner")).to_be_visible()
    page.fill("#password", PASSWORD)
    page.fill("#again", "something else 4 it")
    page.click("button[type=submit]")
    expect(page.get_by_role("alert")).to_have_text("The two passwords differ.")
    expect(page.locator("#username")).to_have_value("admin")
    for easy in ("short", "password1"):
        page.fill("#password", easy)
        page.fill("#again", easy)
        page.click("button[type=submit]")
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page).to_have_url(re.compile("/setup/"))
    watch(page, untouched.url, troubles)
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    page.click("button[type=submit]")
    ready(page)
    expect(page.locator("#demo-banner")).to_contain_text("not from a real vendor")
    ask(page, "Hello there")
    finished(page)
    expect(last_answer(page)).to_contain_text("You asked: Hello there")
    assert not troubles
    context.close()

    stranger = chromium.new_context(base_url=untouched.url).new_page()
    assert stranger.goto(untouched.setup_url).status == 404
    stranger.get_by_role("link", name="Sign in").click()
    expect(stranger).to_have_url(re.compile("/login/"))
    expect(stranger.locator("#setup-first")).to_have_count(0)
    stranger.context.close()


def test_a_wrong_password_is_refused_in_words_and_the_right_one_leads_back(
    product, chromium
):
    context = chromium.new_context(base_url=product.url)
    page = context.new_page()
    page.goto("/credentials/")
    expect(page).to_have_url(re.compile(r"/login/\?next=/credentials/"))
    expect(page.locator("#id_username")).to_be_focused()
    page.fill("#id_username", "admin")
    page.fill("#id_password", "wrong horse")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("correct username and password")
    expect(page.locator("#id_username")).to_have_value("admin")
    expect(page.locator("#id_password")).to_have_value("")
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{product.url}/credentials/")
    context.close()


def test_a_question_asked_after_signing_out_elsewhere_waits_for_the_next_sign_in(
    product, chromium
):
    context = chromium.new_context(base_url=product.url)
    page = context.new_page()
    page.goto("/login/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    ready(page)
    ask(page, "Asked in time")
    finished(page)
    other = context.new_page()
    other.goto("/")
    other.get_by_role("button", name="Sign out").click()
    expect(other).to_have_url(re.compile("/login/"))
    page.fill("#question", "Asked too late")
    page.press("#question", "Enter")
    expect(page.locator("#connection")).to_contain_text("You are signed out")
    page.goto("/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".message--mine").last).to_contain_text("Asked too late")
    expect(page.locator(".message--mine").first).to_contain_text("Asked in time")
    finished(page)
    expect(page.locator("#messages > li")).to_have_count(4)
    context.close()
