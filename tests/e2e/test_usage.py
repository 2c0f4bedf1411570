"""The page of usage, and a limit met in the chat: on a desktop and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.accessibility import violations
from tests.e2e.conftest import DESKTOP, PHONE, ask, finished, ready

RULES = "from sessions_app.models import UsageLimit as L; L.objects."


@pytest.fixture(scope="module")
def limited(product):
    """The administrator may not ask any more today; taken back afterwards."""
    new = "create(scope='person', metric='requests', amount=1)"
    product.started.manage("shell", "-c", RULES + new)
    yield
    product.started.manage("shell", "-c", RULES + "all().delete()")


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def reader(request, chromium, product):
    """A window without the page's policy, so that axe may look at it."""
    context = chromium.new_context(
        base_url=product.url, storage_state=product.state, viewport=request.param,
        bypass_csp=True,
    )  # fmt: skip
    yield context.new_page()
    context.close()


def test_the_choices_of_the_page_work_and_its_file_is_the_same(page, product):
    ask(page, "Count me")
    finished(page)
    page.set_viewport_size(DESKTOP)
    page.get_by_role("link", name="Usage").click()
    page.locator("select[name=by]").select_option("day")
    page.locator("select[name=of]").select_option("everyone")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("h1")).to_have_text("Usage of everyone")
    shown = page.locator(".usage-table tbody td").first.inner_text()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV").click()
    text = waiting.value.path().read_text()
    assert text.splitlines()[1].split(",")[1] == shown.replace(",", "")


def test_a_limit_says_when_it_ends_and_keeps_what_was_typed(reader, limited):
    reader.goto("/")
    ready(reader)
    reader.fill("#question", "How much is left?")
    reader.press("#question", "Enter")
    toast = reader.locator(".toast", has_text="Your limit of 1 request a day")
    expect(toast).to_contain_text("begins anew at 00:00 UTC")
    expect(reader.locator("#question")).to_have_value("How much is left?")
    reader.goto("/usage/")
    bar = reader.get_by_role("progressbar", name="Yours: requests a day")
    expect(bar).to_have_attribute("value", "100")
    expect(reader.locator(".limit--reached")).to_contain_text("reached")
    expect(reader.locator(".usage-table tbody tr").first).to_be_visible()
    assert not violations(reader)
    width = reader.viewport_size["width"]
    assert reader.evaluate("document.documentElement.scrollWidth") <= width
