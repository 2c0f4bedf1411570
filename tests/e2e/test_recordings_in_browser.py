"""Real streams of real vendors, as a person sees them in the browser.

recording ─▶ emulator ─▶ provider ─▶ run ─▶ socket ─▶ page: live, then as it is stored

Each recording is asked for through the question box of one chat page, and the page must hold
and show what the vendor's own SDK made of the same bytes, errors and cuts included.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.started import Started, module_url
from tests.e2e.watched import Watched
from tests.emulator import EmulatorProcess
from tests.recordings import Recording, recordings_dir, streams

# Small enough to cut events, lines and characters; a vendor's packets are not kinder.
PIECE_BYTES = 97
# dialect: provider, credential, model. The model is any valid one: the answer is recorded.
WIRES = {
    "openai_responses": ("openai", "work-openai", "gpt-5.5"),
    "openai_chat": ("custom", "work-custom", "maestro-demo"),
    "anthropic_messages": ("anthropic", "work-anthropic", "claude-sonnet-5-5"),
    "gemini_generate": ("gemini", "work-gemini", "gemini-3.8-flash"),
}
KEYS = {
    "openai": "sk-proj-" + "r" * 40,
    "custom": "sk-" + "r" * 20,
    "anthropic": "sk-ant-api03-" + "r" * 40,
    "gemini": "AIza" + "r" * 35,
}
# Keeps what the page made of the live events before the stored message takes their place.
KEEP_LIVE = """async (module) => {
  const { Message } = await import(module);
  const show = Message.prototype.show;
  Message.prototype.show = function (message) {
    if (this.answer?.parts.size) this.live = structuredClone(this.answer.ordered());
    if (message.run?.finished_at) this.isStored = true;
    return show.call(this, message);
  };
}"""
OVER = """() => {
  const view = document.querySelector("#messages > li:nth-child(2)")?.message;
  return Boolean(view?.isStored && view.message.run.finished_at);
}"""
HELD = """() => {
  const node = document.querySelector("#messages > li:nth-child(2)");
  const view = node.message;
  const all = (query) => [...node.querySelectorAll(query)];
  const words = (query) => all(query).map((found) => found.textContent);
  return {
    run: view.message.run, text: view.text, live: view.live ?? [], parts: view.message.parts,
    prose: words(".prose:not(.reasoning .prose)"), reasoning: words(".reasoning .prose"),
    refusals: words(".message__body > .notice p"), trouble: words(".trouble p"),
    tools: words(".tool__name"), arguments: words(".tool__arguments"),
    sources: all(".sources a").map((a) => a.href),
    foot: node.querySelector(".message__foot").textContent,
  };
}"""
# A formula is drawn when KaTeX has come.
TYPESET = "() => !document.querySelector('span.math:not(:has(math))')"
DRAWN = """async ([module, texts]) => {
  const { render } = await import(module);
  return texts.map((text) => {
    const place = document.createElement("div");
    render(place, text);
    return place.textContent;
  });
}"""


@pytest.fixture(scope="module")
def vendors() -> Iterator[EmulatorProcess]:
    """An emulator that serves the recordings beside the checkout."""
    folder = recordings_dir()
    if folder is None:
        pytest.skip("no recordings beside the checkout: set MAESTRO_RECORDINGS")
    process = EmulatorProcess(
        "--pace", 0, "--replay", folder, "--replay-piece", PIECE_BYTES
    )
    yield process
    process.stop()


@pytest.fixture(scope="module")
def maestro(
    vendors: EmulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Started]:
    """An installation for which the vendors' addresses lead to the emulator."""
    reroute = ",".join(f"{here}={there}" for here, there in vendors.origins().items())
    data = tmp_path_factory.mktemp("recordings") / "data"
    started = Started(
        data, "--no-demo", MAESTRO_REROUTE=reroute, MAESTRO_RETRY_ATTEMPTS="1"
    )
    yield started
    started.stop()


@pytest.fixture(scope="module")
def watched(
    maestro: Started, chromium: Browser, vendors: EmulatorProcess
) -> Iterator[Watched]:
    """The administrator's page, with a credential for each dialect."""
    page = chromium.new_page(base_url=maestro.url)
    page.set_default_timeout(15_000)
    found = Watched(page, maestro.url)
    maestro.set_up(page)
    for provider, name, _model in WIRES.values():
        where = f"{vendors.url('compatible')}/v1" if provider == "custom" else ""
        added = page.request.post(
            "/api/credentials/",
            data={"provider": provider, "name": name, "api_key": KEYS[provider],
                  "base_url": where},
            headers={"X-CSRFToken": csrf(page), "Origin": maestro.url},
        )  # fmt: skip
        assert added.ok, added.text()
    page.reload()  # it asked for the credentials before they were there
    yield found
    page.close()


@pytest.mark.parametrize("recording", streams())
def test_the_page_shows_exactly_what_was_recorded(
    recording: Recording, watched: Watched, vendors: EmulatorProcess
) -> None:
    page = watched.page
    choose(page, recording.dialect)
    vendors.replay(recording.name)
    page.fill("#question", f"Tell me about {recording.name}.")
    page.press("#question", "Enter")
    page.wait_for_function(OVER)
    page.wait_for_function(TYPESET)
    held = page.evaluate(HELD)

    check_words(recording, held["live"])
    check_words(recording, held["parts"])
    assert held["text"] == recording.expected["text"]
    check_shown(page, recording, held)
    check_end(recording, held)

    page.reload()  # and the same from the database
    page.wait_for_selector("#messages > li:nth-child(2) .message__facts")
    page.wait_for_function(TYPESET)
    again = page.evaluate(HELD)
    assert again["parts"] == held["parts"]
    for name in (
        "text",
        "prose",
        "reasoning",
        "tools",
        "arguments",
        "sources",
        "trouble",
    ):
        assert again[name] == held[name]
    watched.check()


def check_words(recording: Recording, parts: list[dict[str, Any]]) -> None:
    """Text, reasoning, refusal, calls and citations, as the page holds them."""
    expected = recording.expected
    assert joined(parts, "text") == expected["text"]
    assert joined(parts, "reasoning") == expected["reasoning"]
    assert joined(parts, "refusal") == expected.get("refusal", "")
    calls = [
        part
        for part in parts
        if part["type"] == "tool_call" and part["arguments"] is not None
    ]
    assert [(call["name"], call["arguments"]) for call in calls] == [
        (call["name"], call["arguments"]) for call in expected["tool_calls"]
    ]
    cited = [c["url"] for part in parts for c in part.get("citations") or ()]
    assert cited == [c["url"] for c in expected.get("citations", ())]


def check_shown(page: Page, recording: Recording, held: dict[str, Any]) -> None:
    """The same, as the eye sees it."""
    texts = runs_of_text(held["parts"])
    reasonings = [p.get("text", "") for p in held["parts"] if p["type"] == "reasoning"]
    drawn = page.evaluate(
        DRAWN, [module_url(page, "shared/markdown"), [*texts, *reasonings]]
    )
    assert held["prose"] == drawn[: len(texts)]
    assert held["reasoning"] == drawn[len(texts) :]
    calls = recording.expected["tool_calls"]
    assert [call["name"] in held["tools"] for call in calls] == [True] * len(calls)
    cited = {c["url"] for c in recording.expected.get("citations", ())}
    assert len(held["sources"]) == len(cited)
    if refusal := recording.expected.get("refusal"):
        assert held["refusals"] == [refusal]


def check_end(recording: Recording, held: dict[str, Any]) -> None:
    """Done and quiet, or failed and said in words; the usage is the vendor's."""
    error = recording.expected["error"]
    is_failure = error is not None or "truncated" in recording.facts["tags"]
    run = held["run"]
    assert run["status"] == ("failed" if is_failure else "done")
    trouble = " ".join(held["trouble"])
    assert bool(trouble.strip()) == is_failure
    if error is not None:
        assert error["message"] in trouble
    if run["usage"] and "usage_raw" in recording.expected:
        assert run["usage"]["raw"] == recording.expected["usage_raw"]


def runs_of_text(parts: list[dict[str, Any]]) -> list[str]:
    """Neighbouring texts are one: vendors split them for reasons of their own."""
    found: list[str] = []
    before = ""
    for part in parts:
        if part["type"] == "text" and before == "text":
            found[-1] += part["text"]
        elif part["type"] == "text":
            found.append(part["text"])
        before = part["type"]
    return found


def joined(parts: list[dict[str, Any]], kind: str) -> str:
    """The text of the parts of a kind."""
    return "".join(part.get("text", "") for part in parts if part["type"] == kind)


def choose(page: Page, dialect: str) -> None:
    """An empty chat, with the credential and the model of this dialect."""
    _provider, name, model = WIRES[dialect]
    page.click("[data-new-chat]")  # of the page as the test before left it
    page.evaluate(KEEP_LIVE, module_url(page, "thread/message"))
    page.wait_for_function(
        "() => document.getElementById('picker-credential').textContent"
    )
    page.click("#picker")
    group = page.locator("#models-list section").filter(
        has=page.locator("h3", has_text=name)
    )
    group.locator(".models__item").filter(
        has=page.get_by_text(model, exact=True)
    ).click()
    assert page.locator("#picker-model").inner_text() == model
    assert page.locator("#picker-credential").inner_text() == name


def csrf(page: Page) -> str:
    """The page's token."""
    return page.locator("meta[name=csrf-token]").get_attribute("content") or ""
