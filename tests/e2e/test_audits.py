"""Code audits in the browser: begun, followed, filtered, compared, exported, stopped."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.accessibility import violations
from tests.e2e.conftest import ask, finished, last_answer, ready
from tests.e2e.test_pages import reader

__all__ = ["reader"]

BAD = (
    "import pickle\n\n\ndef load(db, name, raw):\n"
    "    db.execute(f\"SELECT * FROM t WHERE name = '{name}'\")\n"
    "    return pickle.loads(raw)\n"
)
HANGS = [{"text": '{"findings": ['}, {"sleep": 30}, {"text": "]}"}]
HOSTILE = "<img src=x onerror=\"document.title='run'\"> [x](javascript:alert(1))"


def begin(page: Page, text: str, name: str) -> None:
    """An audit of this text, from the form."""
    page.goto("/audits/")
    page.fill("#text", text)
    page.fill("#name", name)
    page.click("#begin")
    expect(page.locator("#form-result .notice--ok")).to_be_visible()


def card(page: Page, name: str):
    return page.locator("#audits > li", has_text=name)


def opened(page: Page, text: str, name: str) -> None:
    """The report of such an audit, when it is done."""
    begin(page, text, name)
    expect(card(page, name).first.locator("[data-state=done]")).to_be_visible()
    card(page, name).first.locator(".audit-name").click()
    expect(page.locator("#report")).to_be_visible()


def test_pasted_code_is_audited_filtered_compared_and_exported(page, product):
    page.goto("/")
    page.get_by_role("link", name="Audits").click()
    opened(page, BAD, "pasted.py")
    findings = page.locator("#findings > li")
    expect(findings).to_have_count(2)
    expect(findings.first).to_contain_text("Untrusted text in an SQL statement")
    expect(findings.first).to_contain_text("pasted.py")
    expect(findings.first.locator("pre")).to_have_text(
        "db.execute(f\"SELECT * FROM t WHERE name = '{name}'\")"
    )
    expect(page.locator("#audit-head")).to_contain_text("audit-1")
    expect(page.locator("#by-state-row")).to_be_hidden()

    page.select_option("#by-severity", "high")
    expect(page.locator("#findings > li:visible")).to_have_count(1)
    expect(page.locator("#shown")).to_have_text("1 of 2")
    page.select_option("#by-rule", "sql_injection")
    expect(page.locator("#findings-empty")).to_have_text("No finding is like that.")

    opened(page, BAD, "pasted.py")
    expect(page.locator("#audit-head")).to_contain_text("0 new, 2 unchanged, 0 fixed")
    expect(page.locator('#findings > li[data-state="unchanged"]')).to_have_count(2)

    opened(page, BAD.replace("pickle.loads(raw)", "raw"), "pasted.py")
    expect(page.locator("#audit-head")).to_contain_text("0 new, 1 unchanged, 1 fixed")
    page.select_option("#by-state", "fixed")
    expect(page.locator("#findings > li:visible")).to_contain_text("pickle.loads(raw)")

    for form, beginning in (("SARIF", "{"), ("Markdown", "# Code"), ("JSON", "{")):
        with page.expect_download() as download:
            page.get_by_role("link", name=form, exact=True).click()
        text = Path(download.value.path()).read_text(encoding="utf-8")
        assert text.startswith(beginning)
        if form == "SARIF":
            states = [
                r["baselineState"] for r in json.loads(text)["runs"][0]["results"]
            ]
            assert sorted(states) == ["absent", "unchanged"]

    page.get_by_role("link", name="the audit before").click()
    expect(page.locator("#audit-head")).to_contain_text("2 unchanged")
    page.locator("[data-does=remove]").click()
    page.click("#ask-ok")
    page.wait_for_url("**/audits/")
    expect(card(page, "pasted.py")).to_have_count(2)


def test_files_are_read_and_nothing_they_or_a_model_say_runs(page, product):
    """S-30 for findings: names, evidence and words are text wherever they show."""
    page.goto("/audits/")
    page.locator("input[value=files]").check(force=True)
    name = "<img src=x onerror=alert(1)>.py"
    page.set_input_files(
        "#files",
        [
            {"name": name, "mimeType": "text/x-python", "buffer": HOSTILE.encode()},
            {"name": "b.bin", "mimeType": "text/plain", "buffer": b"\0\1"},
        ],
    )
    expect(page.locator("#files-said")).to_contain_text("1 files")
    expect(page.locator("#files-said")).to_contain_text("1 left out")
    finding = {
        "rule": "other", "severity": "high", "confidence": "high", "file": name,
        "start_line": 1, "end_line": 1, "evidence": HOSTILE,
        "explanation": HOSTILE, "suggestion": HOSTILE,
    }  # fmt: skip
    product.control("scripts", text=json.dumps({"findings": [finding]}))
    page.fill("#name", HOSTILE)
    page.click("#begin")
    expect(card(page, HOSTILE).first.locator("[data-state=done]")).to_be_visible()
    card(page, HOSTILE).first.locator(".audit-name").click()
    shown = page.locator("#findings > li")
    expect(shown.locator("pre")).to_have_text(HOSTILE)
    expect(shown.locator(".finding__words")).to_have_text(
        [HOSTILE, f"Suggestion: {HOSTILE}"]
    )
    expect(shown).to_contain_text(name)
    expect(page.locator("h1")).to_have_text(HOSTILE)
    assert page.locator("main img").count() == 0
    assert page.locator('main a[href^="javascript"]').count() == 0
    assert "run" not in page.title().split(" · ")


def test_another_tab_sees_it_at_work_and_stops_it(page, product, window):
    other = window.new_page()
    other.goto("/audits/")
    page.goto("/audits/")
    product.control("scripts", pieces=HANGS)
    begin(page, BAD, "slow.py")
    seen = card(other, "slow.py")
    expect(seen.locator("progress")).to_be_visible()
    expect(seen.locator(".audit-now")).to_contain_text("reading slow.py")
    seen.locator(".audit-name").click()
    expect(other.locator("#audit-head progress")).to_be_visible()
    other.locator("#audit-head [data-does=stop]").click()
    expect(other.locator("#audit-head [data-state=stopped]")).to_be_visible()
    expect(other.locator("#more")).to_contain_text("Not read (1)")
    expect(card(page, "slow.py").locator("[data-state=stopped]")).to_be_visible()
    expect(card(page, "slow.py")).to_contain_text("no score")


def test_a_report_says_why_the_code_was_written(page, product):
    """AC-TI1: what a tool call declared before it wrote a file stands beside its findings."""
    intent = {
        "purpose": "maintenance",
        "scope": "Load <b>faster</b>.",
        "risk_level": "low",
    }
    arguments = {"intent": intent, "path": "loader.py", "content": BAD}
    product.control("scripts", calls=[{"name": "write_file", "arguments": arguments}])
    product.control("scripts", text="Written.")
    page.goto("/")
    ready(page)
    if page.get_attribute("#tools", "aria-pressed") == "false":
        page.click("#tools")
    ask(page, "Write a loader")
    last_answer(page).get_by_role("button", name="Approve once").click()
    finished(page)
    page.goto("/audits/")
    page.locator("input[value=path]").check(force=True)
    page.fill("#path", "loader.py")
    page.click("#begin")
    expect(card(page, "loader.py").locator("[data-state=done]")).to_be_visible()
    card(page, "loader.py").locator(".audit-name").click()
    why = page.locator("#findings > li").first.locator(".finding__why")
    why.locator("summary").click()
    expect(why).to_contain_text("write_file: maintenance. Load <b>faster</b>.")
    expect(page.locator("#more")).to_contain_text(
        "Why the audited files were written (1)"
    )


def test_what_the_command_audited_is_in_the_list(page, product):
    report = json.loads(
        product.started.manage("audit_code", "--name", "cli.py", "--json", stdin=BAD)
    )
    assert len(report["findings"]) == 2
    page.goto("/audits/")
    expect(card(page, "cli.py").locator("[data-state=done]")).to_be_visible()
    expect(card(page, "cli.py")).to_contain_text("1 critical")


def test_an_audit_is_repeated_and_compared_with_the_last(page, product):
    opened(page, BAD, "twice.py")
    first = page.url
    page.locator("[data-does=again]").click()
    page.wait_for_url(lambda url: "/audits/" in url and url != first)
    expect(page.locator("#audit-head [data-state=done]")).to_be_visible()
    expect(page.locator("#audit-head")).to_contain_text("0 new, 2 unchanged, 0 fixed")
    expect(page.locator('#findings > li[data-state="unchanged"]')).to_have_count(2)
    page.get_by_role("link", name="the audit before").click()
    assert page.url == first

    page.goto("/audits/")
    expect(card(page, "twice.py")).to_have_count(2)
    card(page, "twice.py").first.locator("[data-does=again]").click()
    expect(card(page, "twice.py")).to_have_count(3)
    newest = card(page, "twice.py").first
    expect(newest.locator("[data-state=done]")).to_be_visible()
    expect(newest).to_contain_text("0 new, 2 unchanged, 0 fixed")


def test_a_path_of_the_workspace_is_read_anew(page, product):
    workspace = Path(product.started.env["MAESTRO_WORKSPACE"])
    (workspace / "mended.py").write_text(BAD)
    page.goto("/audits/")
    page.locator("input[value=path]").check(force=True)
    page.fill("#path", "mended.py")
    page.click("#begin")
    expect(card(page, "mended.py").locator("[data-state=done]")).to_be_visible()
    (workspace / "mended.py").write_text(BAD.replace("pickle.loads(raw)", "raw"))
    card(page, "mended.py").locator("[data-does=again]").click()
    newest = card(page, "mended.py").first
    expect(newest).to_contain_text("0 new, 1 unchanged, 1 fixed")


def test_an_audit_whose_source_was_not_kept_says_why_it_cannot_be_repeated(
    page, product
):
    opened(page, BAD, "unkept.py")
    key = page.url.rstrip("/").rpartition("/")[2]
    product.started.manage(
        "shell", "-c",
        "from context_app.models import Audit, AuditSource\n"
        f"AuditSource.objects.filter(audit='{key}').delete()\n"
        f"Audit.objects.filter(pk='{key}').update(can_repeat=False)",
    )  # fmt: skip
    page.reload()
    expect(page.locator("#audit-head")).to_contain_text("give it the same name")
    button = page.locator("[data-does=again]")
    expect(button).to_have_attribute("aria-disabled", "true")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("is not kept here")
    page.goto("/audits/")
    expect(card(page, "unkept.py")).to_have_count(1)


def test_what_fails_says_why(page, product):
    product.control("faults", kind="status", status=401)
    begin(page, BAD, "refused.py")
    expect(card(page, "refused.py").locator("[data-state=failed]")).to_be_visible()
    expect(card(page, "refused.py").locator(".card__cause")).not_to_be_empty()


def test_nothing_is_sent_before_there_is_something_to_audit(page):
    page.goto("/audits/")
    page.click("#begin")
    expect(page.locator("#form-result")).to_have_text("Give code first.")
    page.locator("input[value=files]").check(force=True)
    page.click("#begin")
    expect(page.locator("#form-result")).to_have_text("Choose files first.")
    page.locator("input[value=text]").check(force=True)
    page.evaluate("document.getElementById('text').value = 'x'.repeat(2100000)")
    page.click("#begin")
    expect(page.locator("#form-result")).to_contain_text("manage.py audit_code")


def test_the_keyboard_is_enough(page, product):
    page.goto("/audits/")
    page.focus("#text")
    page.keyboard.insert_text(BAD)
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.locator("#name")).to_be_focused()
    page.keyboard.type("keys.py")
    page.keyboard.press("Enter")
    expect(card(page, "keys.py").locator("[data-state=done]")).to_be_visible()
    card(page, "keys.py").locator(".audit-name").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#findings > li")).to_have_count(2)
    page.focus("#by-severity")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#findings > li:visible")).to_have_count(1)


def test_no_page_of_audits_has_an_accessibility_violation(reader, product):
    page = reader.new_page()
    product.control("scripts", pieces=HANGS)
    begin(page, BAD, "at-work.py")
    expect(card(page, "at-work.py").locator("progress").first).to_be_visible()
    assert not violations(page)
    card(page, "at-work.py").first.locator("[data-does=stop]").click()
    expect(
        card(page, "at-work.py").first.locator("[data-state=stopped]")
    ).to_be_visible()
    opened(page, BAD, "axe.py")
    expect(page.locator("#findings > li").first).to_be_visible()
    assert not violations(page)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"]
    page.locator("[data-does=remove]").click()
    expect(page.locator("#ask")).to_be_visible()
    assert not violations(page)
