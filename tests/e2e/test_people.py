"""People and teams in the browser: come in by a link, be managed, be signed out at once."""

from __future__ import annotations

import itertools

import pytest
from playwright.sync_api import expect

from tests.e2e.accessibility import violations
from tests.e2e.conftest import DESKTOP, PHONE, ready
from tests.e2e.windows import watch

PASSWORD = "a long enough phrase 7"
_numbers = itertools.count(1)


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def windows(request, chromium, product):
    """(administrator, nobody yet): two browsers, which axe may look into."""
    common = {
        "base_url": product.url, "viewport": request.param, "bypass_csp": True,
    }  # fmt: skip
    admin = chromium.new_context(storage_state=product.state, **common)
    guest = chromium.new_context(**common)
    yield admin, guest
    for context in (admin, guest):
        context.close()


def good(page):
    """Nobody is kept out, and nothing is wider than the window."""
    assert not violations(page), page.url
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= page.viewport_size["width"], page.url


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def invite(page, note):
    """A link from the form on this page."""
    page.fill("#note", note)
    press(page, "Make a link")
    link = page.input_value("#link")
    assert "/join/" in link
    return link


def join(page, link, name):
    page.goto(link)
    page.fill("#username", name)
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    press(page, "Join")
    page.wait_for_selector("#composer")


def test_everything_between_an_invitation_and_a_closed_account(windows, product):
    admin, guest = windows
    number = next(_numbers)
    name, team = f"anna{number}", f"Research {number}"
    page = admin.new_page()
    page.goto("/teams/")
    good(page)
    page.fill("#name", team)
    press(page, "Add")
    expect(page.get_by_role("heading", name=team)).to_be_visible()
    good(page)
    link = invite(page, "Anna")
    good(page)

    hers = guest.new_page()
    hers.goto(link)
    good(hers)
    hers.fill("#username", "admin")
    hers.fill("#password", "one")
    hers.fill("#again", "two")
    press(hers, "Join")
    expect(hers.get_by_role("alert")).to_be_visible()
    good(hers)
    join(hers, link, name)
    ready(hers)

    page.goto("/people/")
    card = page.locator(f"[data-person={name}]")
    expect(card).to_contain_text(team)
    good(page)
    press(page, f"Close the account: {name}")
    expect(card).to_contain_text("closed")
    # Her page, in which she did nothing, says so by itself.
    expect(hers.locator("#connection")).to_contain_text("You are signed out")
    good(hers)
    hers.reload()
    hers.wait_for_url("**/login/**")
    hers.fill("#id_username", name)
    hers.fill("#id_password", PASSWORD)
    hers.click(".gate button[type=submit]")
    expect(hers.get_by_role("alert")).to_be_visible()
    hers.goto(link)
    expect(hers.get_by_role("heading", name="This link does not work")).to_be_visible()
    good(hers)


def test_a_new_password_by_a_link_and_ones_own_account(windows, product):
    admin, guest = windows
    name = f"bert{next(_numbers)}"
    page = admin.new_page()
    page.goto("/people/")
    link = invite(page, "Bert")
    hers = guest.new_page()
    join(hers, link, name)
    hers.goto("/account/")
    expect(hers.get_by_text("this one")).to_be_visible()
    good(hers)
    hers.fill("#display_name", "Bert Brown")
    press(hers, "Save")
    expect(hers.get_by_role("status").first).to_contain_text("changed")
    hers.fill("#old", "wrong")
    hers.fill("#password", "another phrase 88")
    hers.fill("#again", "another phrase 88")
    press(hers, "Change the password")
    expect(hers.locator(".notice--error")).to_be_visible()
    good(hers)

    page.goto(f"/people/?search={name}")
    expect(page.locator(".card__name").first).to_have_text("Bert Brown")
    press(page, f"New password: {name}")
    reset = page.input_value("#link")
    good(page)
    hers.goto(reset)
    good(hers)
    hers.fill("#password", "another phrase 88")
    hers.fill("#again", "another phrase 88")
    press(hers, "Change the password")
    hers.wait_for_url("**/login/")
    good(hers)
    hers.fill("#id_username", name)
    hers.fill("#id_password", "another phrase 88")
    hers.click(".gate button[type=submit]")
    hers.wait_for_selector("#composer")


def test_the_pages_ask_for_nothing_from_elsewhere_and_make_no_error(chromium, product):
    """With the page's own policy in force."""
    context = chromium.new_context(base_url=product.url, storage_state=product.state)
    troubles: list[str] = []
    context.on("page", lambda page: watch(page, product.url, troubles))
    page = context.new_page()
    for path in ("/people/", "/teams/", "/account/"):
        page.goto(path)
        expect(page.locator("nav [aria-current=page]")).to_have_count(1)
    page.goto("/people/")
    invite(page, "Nobody")
    press(page, "Copy")
    page.get_by_role("link", name="Done").click()
    page.wait_for_url("**/people/")
    press(page, "Revoke: Nobody")
    expect(page.get_by_role("status").first).to_contain_text("revoked")
    context.close()
    assert not troubles
