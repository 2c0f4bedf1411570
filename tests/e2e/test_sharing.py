"""Two people in one conversation: one shares, the other reads, takes part, and loses it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.accessibility import violations
from tests.e2e.conftest import DESKTOP, PHONE, ask, finished, last_answer, ready, watch
from tests.e2e.started import PASSWORD

MAKE_BOB = f"""
from django.contrib.auth.models import User
from sessions_app.models import Membership, Team
if not User.objects.filter(username='bob').exists():
    bob = User.objects.create_user('bob', password={PASSWORD!r})
    team = Team.objects.create(name='Blue')
    for person in User.objects.all():
        Membership.objects.create(team=team, user=person)
"""


@pytest.fixture(scope="module")
def bobs_state(chromium: Browser, product) -> dict:
    product.started.manage("shell", "-c", MAKE_BOB)
    context = chromium.new_context(base_url=product.url)
    page = context.new_page()
    page.goto("/login/")
    page.fill("#id_username", "bob")
    page.fill("#id_password", PASSWORD)
    page.click(".gate button[type=submit]")
    ready(page)
    state = dict(context.storage_state())
    context.close()
    return state


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def bob(request, chromium: Browser, product, bobs_state) -> Iterator[Page]:
    """Bob's page, without its policy, so that axe may look at it."""
    context = chromium.new_context(
        base_url=product.url, storage_state=bobs_state, viewport=request.param,
        bypass_csp=True,
    )  # fmt: skip
    troubles: list[str] = []
    found = context.new_page()
    watch(found, product.url, troubles)
    found.goto("/")
    ready(found)
    yield found
    context.close()
    assert not troubles


def share_menu(page: Page) -> None:
    page.locator(".conversation--open [data-menu]").click()
    page.get_by_role("button", name="Share", exact=True).first.click()
    expect(page.locator("#share-dialog")).to_be_visible()


def test_one_shares_and_the_other_reads_takes_part_and_loses_it(
    page: Page, bob: Page, product
) -> None:
    product.control("scripts", text="The first answer.\n\n```\na line\n```")
    ask(page, "A question of the owner")
    finished(page)
    share_menu(page)
    page.select_option("#share-with", label="bob")
    page.locator("#share-form").get_by_role("button", name="Share").click()
    expect(page.locator("#share-list")).to_contain_text("bob")
    page.keyboard.press("Escape")
    expect(page.locator("#shared-badge")).to_have_text("Shared")

    if bob.locator(".stage__menu").is_visible():
        bob.locator(".stage__menu").click()
    bob.locator("[data-shared-toggle]").click()
    bob.locator("#conversations a", has_text="A question of the owner").first.click()
    expect(bob.locator("#read-only")).to_contain_text("to read")
    expect(bob.locator("#composer")).to_be_hidden()
    expect(bob.locator("[data-action=regenerate]")).to_be_hidden()
    expect(bob.locator("[data-copy-code]")).to_be_visible()
    assert not violations(bob)

    product.control("scripts", text="Seen by both.")
    ask(page, "Live?")
    expect(last_answer(bob)).to_contain_text("Seen by both.")
    finished(page)

    page.click("#shared-badge")
    page.locator("#share-list select").select_option("take_part")
    page.keyboard.press("Escape")
    bob.reload()
    ready(bob)
    expect(last_answer(bob)).to_contain_text("Seen by both.")
    product.control("scripts", text="For Bob.")
    ask(bob, "A question of Bob's")
    finished(bob)
    mine = page.locator("#messages > li.message--mine").last
    expect(mine.locator(".message__head")).to_contain_text("bob")
    expect(last_answer(page)).to_contain_text("For Bob.")

    product.control("scripts", text="on and on " * 2000, pace=30)
    ask(page, "Something long")
    expect(last_answer(bob)).to_contain_text("on and on")
    expect(bob.locator("#stop")).to_be_hidden()
    page.click("#shared-badge")
    page.locator("#share-list").get_by_role("button", name="Remove").click()
    expect(bob.locator("#messages > li")).to_have_count(0, timeout=5_000)
    page.keyboard.press("Escape")
    expect(page.locator("#share-dialog")).to_be_hidden()
    page.click("#stop")
    finished(page)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_dialog_has_no_accessibility_violation(
    chromium: Browser, product, bobs_state, size
) -> None:
    context = chromium.new_context(
        base_url=product.url, storage_state=product.state, viewport=size,
        bypass_csp=True,
    )  # fmt: skip
    page = context.new_page()
    page.goto("/")
    ready(page)
    ask(page, "To be shared")
    finished(page)
    if page.locator(".stage__menu").is_visible():
        page.locator(".stage__menu").click()
    share_menu(page)
    page.locator("#share-form").get_by_role("button", name="Share").click()
    expect(page.locator("#share-list li")).to_have_count(1)
    assert not violations(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    context.close()
