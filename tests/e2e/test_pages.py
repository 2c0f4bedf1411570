"""Every page for everybody: keyboard, phone, both themes, no accessibility violation."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import DESKTOP, PHONE, ask, finished, last_answer, ready

AXE = (Path(__file__).parent / "vendor" / "axe-4.14.1.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page):
    page.evaluate(AXE)
    found = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", RULES
    )
    return [
        (
            v["id"],
            [n["target"] for n in v["nodes"]][:4],
            v["nodes"][0].get("failureSummary", "")[:300],
        )
        for v in found["violations"]
    ]


@pytest.fixture(params=[("light", DESKTOP), ("dark", DESKTOP), ("light", PHONE), ("dark", PHONE)],
                ids=["light", "dark", "light-phone", "dark-phone"])  # fmt: skip
def reader(request, chromium, product):
    """A window without the page's policy, so that axe may look at it."""
    scheme, size = request.param
    context = chromium.new_context(
        base_url=product.url, storage_state=product.state, viewport=size,
        color_scheme=scheme, bypass_csp=True,
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


def test_the_login_page_has_no_accessibility_violation(chromium, product):
    for scheme in ("light", "dark"):
        context = chromium.new_context(
            base_url=product.url, color_scheme=scheme, bypass_csp=True
        )
        page = context.new_page()
        page.goto("/login/")
        assert not violations(page)
        page.fill("#id_username", "admin")
        page.fill("#id_password", "wrong")
        page.click(".gate button[type=submit]")
        expect(page.get_by_role("alert")).to_be_visible()
        assert not violations(page)
        context.close()


def test_nothing_is_wider_than_a_phone(phone, product):
    page = phone.new_page()
    for path in ("/", "/credentials/"):
        page.goto(path)
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.goto("/")
    ready(page)
    ask(page, "Show me some code")
    finished(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".stage__menu").click()
    expect(page.locator("#conversations a").first).to_be_visible()


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


def test_a_model_is_chosen_with_the_keyboard(page):
    page.focus("#picker")
    page.keyboard.press("Enter")
    expect(page.locator("#models-filter")).to_be_focused()
    page.keyboard.type("haiku 5-5")
    expect(page.locator(".models__item")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#picker-model")).to_have_text("claude-haiku-5-5")
    page.reload()
    expect(page.locator("#picker-model")).to_have_text("claude-haiku-5-5")


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
