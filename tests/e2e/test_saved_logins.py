"""What a saved login says of itself and lets be done, in the page and in an open chat.

Also what an import of another program's file shows before anything is saved.
"""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.conftest import ask, finished, last_answer, ready
from tests.e2e.logging_in import at_vendor, begin, card, codex_file, json_file, more


def test_a_business_plan_warns_and_the_mode_can_be_changed(login_page, vendors):
    page = login_page
    vendors.oauth_config(plan_type="business")
    begin(page, "firm")
    at_vendor(page).close()
    expect(card(page, "firm")).to_contain_text("billed per token")
    expect(card(page, "firm").locator(".notice--warn")).to_be_visible()
    more(page, "firm", "Change mode")
    expect(page.locator("#ask-choice")).to_have_value("auto")
    page.select_option("#ask-choice", "chatgpt")
    page.click("#ask-ok")
    expect(card(page, "firm").locator(".notice--ok")).to_contain_text("chatgpt mode")
    expect(card(page, "firm")).to_contain_text("ChatGPT plan")
    expect(card(page, "firm").locator("[data-does=more]")).to_be_focused()


def test_a_login_is_taken_back_and_begun_again_under_its_name(login_page, vendors):
    page = login_page
    begin(page, "work")
    at_vendor(page).close()
    expect(card(page, "work")).to_be_focused()
    first = card(page, "work").get_attribute("id")
    more(page, "work", "Take back at the vendor")
    page.click("#ask-ok")
    expect(card(page, "work").locator("[data-condition=needs_login]")).to_be_visible()
    expect(page.locator(".credential-notice")).to_contain_text("needs a new login")
    card(page, "work").locator("[data-does=again]").click()
    page.check("#login-choice-browser")
    page.click("#login-start")
    expect(page.locator("#login-open")).to_be_focused()
    at_vendor(page).close()
    expect(card(page, "work").locator("[data-condition=ok]")).to_be_visible()
    expect(page.locator(".credential-notice")).to_have_count(0)
    assert card(page, "work").get_attribute("id") == first
    more(page, "work", "Delete")
    page.click("#ask-ok")
    expect(card(page, "work")).to_have_count(0)


def test_an_open_chat_says_that_a_login_is_needed_until_there_is_one(
    login_page, vendors
):
    page = login_page
    begin(page, "work")
    at_vendor(page).close()
    expect(card(page, "work")).to_be_focused()
    chat = page.context.new_page()
    chat.goto("/")
    ready(chat)
    ask(chat, "Before")
    finished(chat)
    vendors.oauth("expire")
    vendors.oauth("revoke")
    ask(chat, "After")
    notice = chat.locator(".credential-notice")
    expect(notice).to_contain_text("“work” at OpenAI needs a new login: ")
    finished(chat)
    expect(last_answer(chat).get_by_role("alert")).to_be_visible()
    chat.reload()
    expect(notice).to_have_count(1)
    notice.get_by_role("link").click()
    expect(card(chat, "work")).to_be_focused()
    chat.go_back()
    ready(chat)
    expect(card(page, "work").locator("[data-condition=needs_login]")).to_be_visible()
    card(page, "work").locator("[data-does=again]").click()
    page.click("#login-start")
    at_vendor(page).close()
    expect(card(page, "work").locator("[data-condition=ok]")).to_be_visible()
    expect(notice).to_have_count(0)
    chat.close()


def test_who_waits_for_a_login_to_be_renewed_is_told_so(login_page, vendors):
    page = login_page
    begin(page, "work")
    at_vendor(page).close()
    expect(card(page, "work")).to_be_focused()
    chat = page.context.new_page()
    chat.goto("/")
    ready(chat)
    vendors.oauth("expire")
    vendors.fault("slow", path="/oauth/token", delay_s=3)
    ask(chat, "Are you there?")
    status = last_answer(chat).locator("[role=status]")
    expect(status).to_have_text("Renewing the login first.")
    finished(chat)
    expect(last_answer(chat).get_by_role("alert")).to_have_count(0)
    chat.close()


def test_a_limit_is_told_with_its_end_in_the_picker_and_on_the_card(
    login_page, vendors
):
    page = login_page
    begin(page, "work")
    at_vendor(page).close()
    expect(card(page, "work")).to_be_focused()
    chat = page.context.new_page()
    chat.goto("/")
    ready(chat)
    vendors.oauth_config(used_percent=100, resets_in_s=3600)
    ask(chat, "Too much")
    expect(chat.locator("#picker-credential")).to_contain_text("limited until ")
    expect(card(page, "work").locator("[data-condition=limited]")).to_be_visible()
    expect(chat.locator(".credential-notice")).to_have_count(0)
    chat.close()


def test_a_key_of_codex_is_shown_before_it_is_imported(login_page):
    page = login_page
    page.click("#import-open")
    expect(page.locator("#import-file")).to_be_focused()
    expect(page.locator("#import-save")).to_be_disabled()
    page.set_input_files("#import-file", files=[codex_file()])
    expect(page.locator("#import-offers .option")).to_have_count(1)
    expect(page.locator("#import-offers")).to_contain_text("OpenAI")
    page.fill("#import-name", "from_codex")
    page.keyboard.press("Enter")
    expect(card(page, "from_codex")).to_be_focused()
    expect(card(page, "from_codex")).to_contain_text("is imported")
    expect(card(page, "from_codex")).to_contain_text("API key")
    assert "sk-test-imported" not in page.content()


def test_a_profile_of_two_files_is_imported_when_both_are_there(login_page):
    page = login_page
    config = {"authentication": {"type": "user_oauth", "client_id": "c-1"}}
    tokens = {
        "type": "oauth_token",
        "access_token": "sk-ant-oat-test-1",
        "refresh_token": "sk-ant-ort-test-1",
        "expires_at": 4_000_000_000,
    }
    page.click("#import-open")
    expect(page.locator("#import-companion")).to_be_hidden()
    page.set_input_files("#import-file", files=[json_file(tokens, "default.json")])
    expect(page.locator("#import-offers input")).to_be_disabled()
    expect(page.locator("#import-offers")).to_contain_text("A profile is two files")
    page.set_input_files("#import-companion", files=[json_file(config, "default.json")])
    expect(page.locator("#import-offers input")).to_be_checked()
    page.fill("#import-name", "console")
    page.click("#import-save")
    expect(card(page, "console")).to_be_focused()
    expect(card(page, "console")).to_contain_text("login")


def test_a_file_that_is_too_large_or_says_nothing_is_refused_in_words(login_page):
    page = login_page
    page.click("#import-open")
    large = {**codex_file(), "buffer": b" " * (256 * 1024 + 1)}
    for file in (large, {**codex_file(), "buffer": b"{}"}):
        page.set_input_files("#import-file", files=[file])
        expect(page.locator("#import-result .notice--error")).to_be_visible()
        expect(page.locator("#import-save")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(page.locator("#import")).to_be_hidden()
