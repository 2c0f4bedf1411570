"""S-30: nothing that a model says runs, however it arrives.

corpus ─▶ the served markdown.js, in the real page, streamed by character and whole
"""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser, Route

from tests.e2e.attacked import draw, open_chat
from tests.e2e.corpus import RUN, payloads
from tests.e2e.hostile import Hostile
from tests.e2e.started import Started, module_url
from tests.e2e.watched import Watched

KINDS = sorted({payload.kind for payload in payloads()})


def test_the_corpus_has_five_hundred_payloads() -> None:
    assert len(payloads()) >= 500
    assert len({payload.text for payload in payloads()}) == len(payloads())


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_runs_and_streamed_equals_whole(kind: str, watched: Watched) -> None:
    page = open_chat(watched)
    texts = [payload.text for payload in payloads() if payload.kind == kind]
    assert draw(page, texts, is_streamed=True) == []
    watched.check()


def test_the_sanitiser_holds_without_the_second_wall(
    attacked: Started, chromium: Browser
) -> None:
    context = attacked.sign_in(chromium, bypass_csp=True)
    watched = Watched(context.new_page(), attacked.url)
    page = open_chat(watched)
    assert draw(page, [payload.text for payload in payloads()]) == []
    watched.check()
    # It would have run, had it come through.
    page.evaluate(
        "document.body.appendChild(document.createElement('img')).src = 'x:x'"
    )
    page.evaluate(
        f"document.querySelector('img[src^=x]').setAttribute('onerror', '{RUN}')"
    )
    page.evaluate("document.querySelector('img[src^=x]').src = 'y:y'")
    page.wait_for_function("() => window.__fired.length > 0")
    context.close()


def test_a_page_that_does_not_sanitise_is_caught(
    attacked: Started, chromium: Browser
) -> None:
    context = attacked.sign_in(chromium, bypass_csp=True)
    watched = Watched(context.new_page(), attacked.url)
    watched.page.route("**/js/shared/markdown.*.js", without_sanitiser)
    page = open_chat(watched)
    for kind in ("handler", "svg", "link", "place"):
        texts = [payload.text for payload in payloads() if payload.kind == kind]
        assert len(draw(page, texts)) > 5, kind
    assert "__xss: 1" in watched.fired()
    context.close()


def without_sanitiser(route: Route) -> None:
    """The page's own script, but HTML stays HTML, and any address is a good one."""
    answer = route.fetch()
    text = answer.text()
    for what, instead in (
        ("DOMPurify.sanitize(html, CONFIG)", "html"),
        ("html: ({ text }) => escape(text)", "html: ({ text }) => text"),
        ("const isSafe = (url) =>", "const isSafe = (url) => true ||"),
    ):
        assert what in text
        text = text.replace(what, instead)
    route.fulfill(response=answer, body=text)


def test_the_watch_sees_every_kind_of_failure(
    watched: Watched, hostile: Hostile
) -> None:
    page = open_chat(watched)
    page.evaluate("url => { new Image().src = url; }", f"{hostile.url}/blocked")
    page.evaluate(
        "document.head.appendChild(document.createElement('style')).text = ''"
    )
    page.evaluate("alert('seen')")
    page.wait_for_function("() => window.__fired.length >= 3")
    fired = " ".join(watched.fired())
    assert "policy img-src" in fired
    assert "policy style-src" in fired
    assert "alert: seen" in fired
    assert len(watched.refused) == 2
    assert hostile.leaked == []


def test_a_text_too_deep_to_draw_is_shown_as_it_is(watched: Watched) -> None:
    page = open_chat(watched)
    deep = [">" * 20_000 + "x", "- " * 9_000 + "x", "[" * 20_000 + "x", "*a" * 20_000]
    for text in deep:
        started_at = time.monotonic()
        shown = page.evaluate(
            """async ([module, text]) => {
                 const { GrowingMarkdown } = await import(module);
                 const place = document.createElement("div");
                 const growing = new GrowingMarkdown(place);
                 growing.update(text); growing.settle();
                 return place.textContent.length;
               }""",
            [module_url(page, "shared/markdown"), text],
        )
        assert shown > 0, text[:10]
        assert time.monotonic() - started_at < 10, text[:10]
    watched.check()


LIVE = """async ([module, text]) => {
  const { GrowingMarkdown } = await import(module);
  const place = document.createElement("div");
  const growing = new GrowingMarkdown(place);
  let soFar = "";
  for (const character of text) growing.update(soFar += character);
  const live = place.textContent;
  growing.settle();
  return [live.replace(/\\s/g, ""), place.textContent.replace(/\\s/g, ""), place.innerHTML];
}"""


@pytest.mark.parametrize(
    "text",
    [
        "one\r\n\r\ntwo\r\n\r\n- three\r\n- four\r\n\r\n```js\r\nfive\r\n```\r\nsix",
        "# Title\n\n| a | b |\n|--:|---|\n| 1 | 2 |\n\n3. three\n4. four\n\nend",
        "> quoted\r> more\r\rlast &copy; &amp;lt; <b>kept</b> <kbd>a < b</kbd>",
    ],
)
def test_what_is_shown_while_it_streams_is_what_stays(
    text: str, watched: Watched
) -> None:
    page = open_chat(watched)
    live, settled, _html = page.evaluate(
        LIVE, [module_url(page, "shared/markdown"), text]
    )
    assert live == settled


def test_links_tables_and_lists_keep_what_they_need(watched: Watched) -> None:
    page = open_chat(watched)
    text = "[a](https://a.example)\n\n| a |\n|--:|\n| 1 |\n\n3. three"
    html = page.evaluate(LIVE, [module_url(page, "shared/markdown"), text])[2]
    assert 'target="_blank"' in html
    assert 'rel="noopener noreferrer"' in html
    assert 'align="right"' in html
    assert 'start="3"' in html


def test_an_address_is_shown_as_the_browser_reads_it(watched: Watched) -> None:
    page = open_chat(watched)
    text = "![x](https://a.example/\u202egnp.tac)"
    shown = page.evaluate(LIVE, [module_url(page, "shared/markdown"), text])[1]
    assert "https://a.example/%E2%80%AEgnp.tac" in shown
