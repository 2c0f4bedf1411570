"""Logins in the page of credentials: by browser, by paste, by device code, and what then is.

person ─▶ page ─▶ vendor (the emulator) ─▶ loopback listener, own address, or a paste
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests.e2e.accessibility import violations
from tests.e2e.logging_in import (
    at_vendor,
    begin,
    card,
    codex_file,
    failed_address,
    more,
    paste,
)


def test_the_page_finishes_by_itself_and_two_names_live_side_by_side(
    login_page, vendors
):
    page = login_page
    for name, email in (("work", "ada@example.com"), ("home", "bob@example.com")):
        vendors.oauth_config(email=email)
        begin(page, name)
        expect(page.locator("#login-status")).to_contain_text("finishes by itself")
        expect(page.locator("#login-open")).to_be_focused()
        assert page.get_attribute("#login-open", "rel") == "noopener noreferrer"
        tab = at_vendor(page)
        expect(tab.locator("body")).to_contain_text("You are signed in")
        tab.close()
        expect(page.locator("#login")).to_be_hidden()
        expect(card(page, name)).to_be_focused()
        expect(card(page, name).locator(".notice--ok")).to_contain_text(email)
    expect(page.locator(".card")).to_have_count(2)
    expect(card(page, "work")).to_contain_text("ada@example.com · Plus · ChatGPT plan")
    expect(card(page, "home")).to_contain_text("bob@example.com")
    expect(card(page, "work").locator("[data-condition=ok]")).to_be_visible()
    card(page, "home").locator("[data-does=test]").click()
    expect(card(page, "home").locator(".notice--ok")).to_be_visible()
    more(page, "home", "Refresh now")
    expect(card(page, "home").locator(".notice--ok")).to_contain_text("Renewed")
    expect(card(page, "home")).to_contain_text("renewed")
    expect(card(page, "home").locator("time").first).to_have_attribute(
        "title", re.compile(".+")
    )


def test_the_address_of_the_page_that_failed_is_pasted(far_page):
    page = far_page
    begin(page, "work")
    expect(page.locator("#login-status")).to_contain_text("will not open")
    address = failed_address(page)
    assert urlsplit(address).hostname == "localhost"
    paste(page, address)
    expect(page.locator("#login")).to_be_hidden()
    expect(card(page, "work").locator(".notice--ok")).to_contain_text("Signed in as")


def test_a_wrong_paste_is_told_at_the_field_and_the_right_one_still_counts(far_page):
    page = far_page
    begin(page, "work")
    address = failed_address(page)
    for wrong in ("two words", address.replace("state=", "state=x"), "abc"):
        paste(page, wrong)
        expect(page.locator("#login-answer-error")).not_to_be_empty()
        expect(page.locator("#login-answer")).to_have_attribute("aria-invalid", "true")
        expect(page.locator("#login-answer")).to_be_focused()
    paste(page, address)
    expect(card(page, "work")).to_be_visible()


def test_a_device_code_is_shown_copied_and_ends_when_it_is_typed_in(
    login_page, vendors
):
    page = login_page
    begin(page, "tablet", "device")
    code = page.locator("#login-user-code").text_content()
    assert len(code) == 9
    expect(page.locator("#login-paste")).to_be_hidden()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#login-copy")
    assert page.evaluate("navigator.clipboard.readText()") == code
    vendors.oauth_config(device_approved=[code])
    expect(card(page, "tablet")).to_be_visible()
    expect(page.locator("#login")).to_be_hidden()


def test_a_login_that_was_denied_says_so_and_can_begin_again(login_page, vendors):
    page = login_page
    vendors.oauth_config(device_denied=["*"])
    begin(page, "tablet", "device")
    expect(page.locator("#login-status.notice--error")).not_to_be_empty()
    expect(page.locator("#login-start")).to_have_text("Start again")
    expect(page.locator("#login-start")).to_be_focused()
    vendors.oauth_config(device_denied=[], device_approved=["*"])
    page.click("#login-start")
    expect(card(page, "tablet")).to_be_visible()


def test_anthropic_shows_a_code_to_paste_and_what_is_off_says_why(login_page):
    page = login_page
    page.select_option("#provider", "anthropic")
    page.check("#how-login")
    refused = page.locator("#add-login-subscription")
    expect(refused).to_be_disabled()
    reason = page.locator(f"#{refused.get_attribute('aria-describedby')}")
    expect(reason).to_contain_text("Switched off here")
    begin(page, "console", vendor="anthropic")
    tab = at_vendor(page)
    code = tab.locator("pre#code").text_content()
    tab.close()
    paste(page, code)
    expect(card(page, "console").locator(".notice--ok")).to_be_visible()


def test_leaving_asks_only_while_the_login_waits_and_ends_it(login_page):
    page = login_page
    begin(page, "work")
    for _ in range(2):
        page.keyboard.press("Escape")
        expect(page.locator("#ask-title")).to_have_text("Stop this login?")
        page.keyboard.press("Escape")
        expect(page.locator("#ask")).to_be_hidden()
        expect(page.locator("#login")).to_be_visible()
    page.click("#login-leave")
    with page.expect_response(lambda r: r.request.method == "DELETE") as gone:
        page.click("#ask-ok")
    assert gone.value.ok
    expect(page.locator("#login")).to_be_hidden()
    more_logins = page.request.get(gone.value.url).json()["login"]
    assert more_logins["status"] == "cancelled"
    expect(page.locator("#name")).to_have_value("work")


def test_a_vendor_that_comes_back_to_our_own_address_is_told_there_and_here(far_page):
    page = far_page
    begin(page, "team", vendor="gemini")
    tab = at_vendor(page)
    expect(card(tab, "team")).to_be_focused()
    expect(card(tab, "team").locator(".notice--ok")).to_contain_text("Signed in")
    assert urlsplit(tab.url).query == ""
    tab.close()
    expect(page.locator("#login")).to_be_hidden()
    expect(card(page, "team").locator(".notice--ok")).to_contain_text("Signed in")


def test_an_answer_that_nobody_waits_for_is_told_once(login_page):
    page = login_page
    page.goto("/credentials/?login=refused")
    expect(page.locator("#page-notice")).to_contain_text("does not belong")
    assert urlsplit(page.url).query == ""
    page.goto("/credentials/?login=00000000-0000-4000-8000-000000000000")
    expect(page.locator("#page-notice .notice--error")).to_be_visible()
    assert urlsplit(page.url).query == ""


def test_a_login_needs_no_mouse(login_page, vendors):
    page = login_page
    page.focus("#provider")
    page.keyboard.press("Tab")
    expect(page.locator("#how-key")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#how-login")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("tablet")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#add-login-device")).to_be_checked()
    page.focus("#name")
    page.keyboard.press("Enter")
    expect(page.locator("#login-open")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#login-copy")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#login-leave")).to_be_focused()
    vendors.oauth_config(device_approved=["*"])
    expect(card(page, "tablet")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(card(page, "tablet").locator("[data-does=more]")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(card(page, "tablet").locator("[data-does=more]")).to_be_focused()


def test_no_step_of_a_login_has_an_accessibility_violation(login_reader, vendors):
    page = login_reader
    vendors.oauth_config(plan_type="business")
    page.check("#how-login")
    sound(page)
    begin(page, "firm")
    sound(page)
    paste(page, "two words")
    expect(page.locator("#login-answer-error")).not_to_be_empty()
    sound(page)
    at_vendor(page).close()
    expect(card(page, "firm")).to_be_focused()
    card(page, "firm").locator("[data-does=more]").click()
    sound(page)
    page.keyboard.press("Escape")
    more(page, "firm", "Take back at the vendor")
    page.click("#ask-ok")
    expect(page.locator(".credential-notice")).to_be_visible()
    card(page, "firm").locator("[data-does=again]").click()
    sound(page)
    page.click("#login-leave")
    vendors.oauth_config(device_denied=["*"])
    begin(page, "denied", "device")
    sound(page)
    expect(page.locator("#login-status.notice--error")).not_to_be_empty()
    sound(page)
    page.click("#login-leave")
    page.click("#import-open")
    page.set_input_files("#import-file", files=[codex_file()])
    expect(page.locator("#import-name")).to_be_visible()
    sound(page)
    page.keyboard.press("Escape")
    page.goto("/")
    expect(page.locator(".credential-notice")).to_be_visible()
    sound(page)


def sound(page: Page) -> None:
    """Fit for everybody, and nothing wider than the screen."""
    assert not violations(page)
    wide = page.evaluate(
        "Math.max(document.documentElement.scrollWidth,"
        " ...[...document.querySelectorAll('dialog[open]')].map((d) => d.scrollWidth))"
    )
    assert wide <= page.viewport_size["width"]
