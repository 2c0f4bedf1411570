"""Logins in the Django admin, in a real browser: begun, ended by the vendor's page, taken back."""

from __future__ import annotations

from playwright.sync_api import Page, expect

ADD = "/admin/sessions_app/savedauthentication/login/"
LIST = "/admin/sessions_app/savedauthentication/"


def begin(page: Page, name: str, method: str) -> None:
    page.goto(ADD)
    page.check(f"input[name=method][value='{method}']")
    page.fill("#id_name", name)
    page.locator(".submit-row input[type=submit]").first.click()
    expect(page.get_by_text("Open the vendor’s page")).to_be_visible()


def test_the_page_of_the_admin_finishes_by_itself_and_a_login_is_taken_back(
    login_page, vendors
):
    page = login_page
    vendors.oauth_config(email="ada@example.com")
    begin(page, "work", "openai/browser")
    with page.context.expect_page() as opened:
        page.get_by_text("Open the vendor’s page").click()
    expect(opened.value.locator("body")).to_contain_text("You are signed in")
    opened.value.close()
    expect(page.locator(".messagelist")).to_contain_text("ada@example.com")
    page.goto(LIST)
    row = page.locator("#result_list tbody tr").filter(has_text="work")
    expect(row).to_contain_text("ada@example.com")
    row.locator("th a").click()
    page.get_by_role("link", name="Take back at the vendor").click()
    page.locator("input[type=submit]").last.click()
    expect(page.locator(".messagelist")).to_be_visible()
    page.goto(LIST)
    expect(row).to_contain_text("login")
    assert set(vendors.oauth()["families"].values()) == {"revoked"}


def test_an_anthropic_code_is_pasted_in_the_admin(login_page, vendors):
    page = login_page
    begin(page, "console", "anthropic/console")
    with page.context.expect_page() as opened:
        page.get_by_text("Open the vendor’s page").click()
    code = opened.value.locator("pre#code").text_content()
    opened.value.close()
    page.fill("[name=answer]", code or "")
    page.get_by_role("button", name="Finish").click()
    expect(page.locator(".messagelist")).to_contain_text("console")
