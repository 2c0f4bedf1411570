"""Without a mouse: what Tab reaches, what single keys do, where the focus is afterwards."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import ask, finished

STOPS = """() => {
  const stops = [];
  for (const node of document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']"))
    if (node.checkVisibility({ visibilityProperty: true }) && !node.disabled && !node.closest("dialog:not([open])")
      && (node.type !== "radio" || node.checked) // a group of them is one stop
      && (node.tagName === "SUMMARY" || !node.closest("details:not([open])"))) stops.push(node);
  stops.forEach((node, i) => { node.dataset.stop = i; });
  return stops.length;
}"""
LOOK = """() => {
  const node = document.activeElement;
  const seen = (n) => { const s = getComputedStyle(n); return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2; };
  return [node.dataset.stop ?? "", seen(node) || Boolean(node.closest(".composer") && seen(node.closest(".composer"))), node.outerHTML.slice(0, 120)];
}"""


@pytest.mark.parametrize("path", ["/", "/credentials/"])
def test_tab_reaches_everything_in_order_and_shows_where_it_is(path, page):
    if path == "/":
        ask(page, "Show me some code")
        finished(page)
        page.wait_for_timeout(500)
    else:
        page.goto(path)
        expect(page.locator(".card").first).to_be_visible()
        page.wait_for_timeout(500)
    count = page.evaluate(STOPS)
    assert count > 12
    page.evaluate("document.activeElement.blur()")
    page.locator(".skip-link").focus()
    found = []
    for _ in range(count + 2):
        stop, is_seen, html = page.evaluate(LOOK)
        if not stop:
            break  # once round
        assert is_seen, html
        found.append(stop)
        page.keyboard.press("Tab")
    wanted = [str(i) for i in range(count)]
    assert found == wanted


def test_the_skip_link_leads_past_the_list(page):
    page.locator(".skip-link").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate(
        "document.getElementById('main').contains(document.activeElement)"
    )


def test_single_keys_work_outside_of_text_and_can_be_switched_off(page):
    page.keyboard.type("/?")
    expect(page.locator("#question")).to_have_value("/?")
    page.locator("#picker").focus()
    page.keyboard.press("/")
    expect(page.locator("#question")).to_be_focused()
    page.locator("#picker").focus()
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.locator("#single-keys").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    expect(page.locator("#picker")).to_be_focused()
    page.keyboard.press("?")
    page.keyboard.press("/")
    expect(page.locator("#shortcuts")).to_be_hidden()
    expect(page.locator("#picker")).to_be_focused()


def test_the_list_is_worked_with_the_keyboard_and_keeps_its_place(page, product):
    ask(page, "Something for the list")
    finished(page)
    row = page.locator(".conversation", has_text="Something for the list")
    row.locator("[data-menu]").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Rename")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator(".menu__item--danger")).to_be_focused()
    page.keyboard.press("Escape")
    expect(row.locator("[data-menu]")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#ask-input")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("Another name")
    page.keyboard.press("Enter")
    again = page.locator(".conversation", has_text="Another name")
    expect(again.locator("[data-menu]")).to_be_focused()


def test_a_press_beside_a_dialog_does_not_lose_what_was_typed(page):
    ask(page, "A question to edit")
    finished(page)
    page.locator(".message--mine [data-action=edit]").click()
    page.fill("#ask-input", "many new words")
    page.mouse.click(5, 5)
    expect(page.locator("#ask-input")).to_have_value("many new words")
    page.keyboard.press("Escape")
    page.click("#picker")
    page.mouse.click(5, 5)
    expect(page.locator("#models")).to_be_hidden()


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
