"""Every page for everybody: keyboard, phone, both themes, no accessibility violation."""

import pytest
from playwright.sync_api import expect

from tests.e2e.accessibility import violations
from tests.e2e.conftest import DESKTOP, PHONE, ask, finished, last_answer, ready
from tests.e2e.started import Started


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def reader(request, chromium, product):
    """A window without the page's policy, so that axe may look at it."""
    context = chromium.new_context(
        base_url=product.url, storage_state=product.state, viewport=request.param,
        bypass_csp=True,
    )  # fmt: skip
    yield context
    context.close()


def test_no_page_has_an_accessibility_violation(reader, product):
    page = reader.new_page()
    page.goto("/")
    ready(page)
    assert not violations(page)
    product.control(
        "scripts",
        reasoning="Let me think.",
        text="# A title\n\nText with `code`, a [link](https://example.org).\n\n"
        "```python\nprint('hi')\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n- two",
    )
    ask(page, "Show me everything")
    finished(page)
    last_answer(page).locator(".message__facts summary").click()
    assert not violations(page)
    product.control("faults", kind="status", status=500)
    ask(page, "And now fail")
    expect(last_answer(page).get_by_role("alert")).to_be_visible()
    assert not violations(page)
    for opener in ("#picker", "[data-shortcuts]"):
        if page.locator(opener).is_visible():
            page.click(opener)
            assert not violations(page)
            page.keyboard.press("Escape")
    page.goto("/credentials/")
    expect(page.locator(".card").first).to_be_visible()
    assert not violations(page)
    page.goto("/no-such-page/")
    assert not violations(page)


def test_every_page_of_the_site_is_for_everybody(reader, product):
    page = reader.new_page()
    page.goto("/account/")
    links = page.locator(".topnav a:visible")
    hrefs = [links.nth(i).get_attribute("href") for i in range(links.count())]
    ours = [href for href in hrefs if not href.startswith("/admin/")]
    assert len(ours) >= 5

    for href in dict.fromkeys(ours):
        page.goto(href)
        page.wait_for_load_state("networkidle")
        assert not violations(page), href
        fits = "document.documentElement.scrollWidth <= innerWidth"
        assert page.evaluate(fits), f"{href} is wider than the window"
        assert page.locator("h1").count() == 1, href
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_be_visible()


def test_no_dialog_has_an_accessibility_violation(reader, product):
    page = reader.new_page()
    page.goto("/")
    ready(page)
    ask(page, "Hello")
    finished(page)
    page.locator(".message--mine [data-action=edit]").click()
    clean(page, "#ask")
    page.keyboard.press("?")
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("?")
    clean(page, "#shortcuts")
    if page.locator(".stage__menu").is_visible():
        page.locator(".stage__menu").click()
        assert not violations(page)
    page.locator("[data-menu]").first.click()
    assert not violations(page)
    page.get_by_role("button", name="Delete", exact=True).click()
    clean(page, "#ask")
    page.goto("/credentials/")
    for does in ("rotate", "share", "remove"):
        page.locator(f"[data-does={does}]").first.click()
        clean(page, "#ask")
    page.locator("[data-does=test]").first.click()
    expect(page.locator(".card .notice").first).to_be_visible()
    assert not violations(page)


def clean(page, dialog):
    expect(page.locator(dialog)).to_be_visible()
    assert not violations(page)
    page.keyboard.press("Escape")
    expect(page.locator(dialog)).to_be_hidden()


def refused(page, filled):
    """What is filled in is not taken, and the page that says so is for everybody, too."""
    for field, value in filled.items():
        page.fill(field, value)
    page.click(".gate button[type=submit]")
    expect(page.get_by_role("alert")).to_be_visible()
    assert not violations(page)


def test_the_set_up_page_has_no_accessibility_violation(chromium, unused):
    context = chromium.new_context(bypass_csp=True, viewport=PHONE)
    page = context.new_page()
    page.goto(unused.setup_url)
    assert not violations(page)
    refused(page, {"#password": "one", "#again": "another"})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


@pytest.fixture(scope="module")
def unused(tmp_path_factory):
    """An installation that nobody sets up."""
    started = Started(tmp_path_factory.mktemp("unused") / "data")
    yield started
    started.stop()


def test_the_login_page_has_no_accessibility_violation(chromium, product):
    context = chromium.new_context(base_url=product.url, bypass_csp=True)
    page = context.new_page()
    page.goto("/login/")
    assert not violations(page)
    refused(page, {"#id_username": "admin", "#id_password": "wrong"})
    context.close()


def test_nothing_is_wider_than_a_phone(phone, product):
    page = phone.new_page()
    for path in ("/", "/credentials/"):
        page.goto(path)
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.goto("/")
    ready(page)
    word = "Donaudampfschifffahrtsgesellschaft" * 6
    product.control(
        "scripts",
        reasoning=word,
        text=f"{word}\n\n`{word}`\n\n```\n{word}\n```\n\n| {word} | {word} |\n|---|---|\n"
        f"| 1 | 2 |\n\n> {word}\n\n1. https://example.org/{word}",
    )
    ask(page, word)
    finished(page)
    last_answer(page).locator(".reasoning summary").click()
    last_answer(page).locator(".message__facts summary").click()
    fits(page)
    product.control("faults", kind="status", status=500)
    ask(page, "Fail")
    expect(last_answer(page).get_by_role("alert")).to_be_visible()
    fits(page)
    page.locator(".stage__menu").click()
    expect(page.locator("#conversations a").first).to_be_visible()
    fits(page)
    page.keyboard.press("Escape")
    expect(page.locator("#conversations a").first).to_be_hidden()
    expect(page.locator(".stage__menu")).to_be_focused()


def fits(page):
    """Nothing of the page or of the thread must be scrolled sideways to."""
    for part in ("html", "#thread", "#conversations"):
        wide = page.locator(part).evaluate("e => [e.scrollWidth, e.clientWidth]")
        assert wide[0] <= min(390, wide[1]), part


def test_the_keyboard_is_enough(page, product):
    page.keyboard.press("Escape")
    page.locator("body").press("/") if not page.locator(
        "#question:focus"
    ).count() else None
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type("line one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("line two")
    assert page.input_value("#question") == "line one\nline two"
    product.control("scripts", text="never ending " * 3000, pace=50)
    page.keyboard.press("Enter")
    expect(last_answer(page)).to_contain_text("never ending")
    page.keyboard.press("Escape")
    finished(page, within_ms=3000)
    page.keyboard.press("ArrowUp")
    expect(page.locator("#ask-input")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("Control+Shift+O")
    expect(page.locator("#question")).to_be_focused()
    expect(page.locator("#messages > li")).to_have_count(0)


def test_an_input_method_never_sends(page):
    page.focus("#question")
    page.evaluate(
        "document.getElementById('question').dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Enter', isComposing: true, bubbles: true}))"
    )
    expect(page.locator("#messages > li")).to_have_count(0)


def test_the_theme_can_be_chosen_and_is_remembered(page):
    before = page.evaluate("document.documentElement.dataset.theme")
    page.locator(".sidebar [data-theme-toggle]").click()
    after = page.evaluate("document.documentElement.dataset.theme")
    assert before != after
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == after
