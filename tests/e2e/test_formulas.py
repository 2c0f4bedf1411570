"""Formulas in answers: typeset as MathML, and never at the cost of the words around them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ask, finished, last_answer, ready
from tests.e2e.started import module_url

# What becomes of each text: how many formulas, how many of them apart, and the words left
# when the formulas are taken out. KaTeX is here first.
DRAWN = """async ([module, texts]) => {
  const { render } = await import(module);
  const place = document.body.appendChild(document.createElement("div"));
  render(place, "$x$");
  while (!place.querySelector("math")) await new Promise((r) => setTimeout(r, 20));
  const told = texts.map((text) => {
    render(place, text);
    const all = place.querySelectorAll("math").length;
    const apart = place.querySelectorAll(".math--apart math").length;
    const math = [...place.querySelectorAll("math")].map((m) => m.textContent);
    place.querySelectorAll("math").forEach((m) => m.remove());
    return { all, apart, math, words: place.textContent.trim().replace(/\\s+/g, " ") };
  });
  place.remove();
  return told;
}"""
STREAMED = """async ([module, text]) => {
  const { GrowingMarkdown, render } = await import(module);
  const place = document.body.appendChild(document.createElement("div"));
  render(place, "$x$");
  while (!place.querySelector("math")) await new Promise((r) => setTimeout(r, 20));
  const growing = new GrowingMarkdown(place);
  const seen = [];
  for (let end = 1; end <= text.length; end += 1) {
    growing.update(text.slice(0, end));
    seen.push([place.textContent.trim(), place.querySelectorAll("math").length]);
  }
  growing.settle();
  const whole = place.querySelectorAll("math").length;
  place.remove();
  return { seen, whole };
}"""


def drawn(page: Page, *texts: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate(
        DRAWN, [module_url(page, "shared/markdown"), list(texts)]
    )
    return found


def test_formulas_in_a_line_and_apart_are_typeset(page: Page) -> None:
    texts = {
        "Let $x^2$ be.": (1, 0),
        r"Let \(x_1 + y_2\) be.": (1, 0),
        "Let $$x$$ be.": (1, 1),
        "It is\n\\[\na\n+ b\n= c\n\\]\nand so on": (1, 1),
        "It is:\n\n$$\n\\begin{aligned}a&=b\\\\\nc&=d\\end{aligned}\n$$\n\nDone": (
            1,
            1,
        ),
        "- one \\(a\\)\n- two\n  \\[\n  a\n  - b\n  \\]": (2, 1),
        "| a | b |\n|---|---|\n| $x$ | \\(y\\) |": (2, 0),
        "**bold $a*b$ and _c $d_1$_**": (2, 0),
    }
    for text, told in zip(texts, drawn(page, *texts), strict=True):
        assert (told["all"], told["apart"]) == texts[text], text
        assert not set(told["words"]) & set("$\\*"), text


def test_letters_of_other_alphabets_are_those_letters(page: Page) -> None:
    (told,) = drawn(
        page, r"$\mathbb{R} \mathcal{L} \mathbf{x} \mathfrak{g} \mathbb{A}$"
    )
    assert told["math"] == ["ℝℒ𝐱𝔤𝔸"]


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and $10.",
        "From $5-$10, US$3, or $ 4 $.",
        "Set $HOME and $PATH$x",
        "A $5 bill.\n\nAnother 6$",
        r"\$x\$ is no formula",
        "an empty $$ $$ one",
    ],
)
def test_prices_and_lone_dollars_stay_text(text: str, page: Page) -> None:
    (told,) = drawn(page, text)
    assert told["all"] == 0
    assert told["words"] == " ".join(text.replace(r"\$", "$").split())


def test_code_keeps_its_dollars_and_backslashes(page: Page) -> None:
    for code in ("`$x$ \\(y\\)`", "```sh\n$x$ \\[y\\]\n```", "    $$x$$"):
        (told,) = drawn(page, code)
        assert told["all"] == 0
    (told,) = drawn(page, "It costs $5, see `a$b$`.")
    assert (told["all"], told["words"]) == (0, "It costs $5, see a$b$.")


@pytest.mark.parametrize(
    "text", [r"$\frac{a$", r"\(\nosuchthing{x}\)", r"\[\begin{x}\]"]
)
def test_what_is_no_formula_keeps_its_source(text: str, page: Page) -> None:
    (told,) = drawn(page, f"See {text} here")
    assert (told["all"], told["words"]) == (0, f"See {text} here")


@pytest.mark.parametrize(
    ("text", "opening"),
    [("So \\(x_1 * y_1 * z\\).", "\\("), ("It is\n\n\\[\na\n- b\n= c\n\\]\n", "\\["),
     ("$$\na\n- b\n$$\n", "$$")],
)  # fmt: skip
def test_an_open_formula_stays_as_it_is_written_until_it_is_closed(
    text: str, opening: str, page: Page
) -> None:
    told = page.evaluate(STREAMED, [module_url(page, "shared/markdown"), text])
    closes = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}[opening]
    opened = text.index(opening) + len(opening)
    closed = text.index(closes, opened) + len(closes)
    for end, (words, formulas) in enumerate(told["seen"], 1):
        assert formulas == (end >= closed), text[:end]
        if opened <= end < closed:
            assert words.split() == text[:end].split()
    assert told["whole"] == 1


def test_formulas_that_ask_for_too_much_stay_source_and_cost_little(page: Page) -> None:
    doubling = "\\def\\a#1{#1#1}" + "\\a{" * 40 + "x" + "}" * 40
    endless = "\\def\\a{\\a\\a}\\a"
    started_at = time.monotonic()
    told = drawn(page, f"${doubling}$", f"${endless}$", f"$${'x' * 6000}$$", "$" * 5000)
    assert [one["all"] for one in told] == [0, 0, 0, 0]
    assert time.monotonic() - started_at < 10


def test_katex_is_loaded_by_the_first_formula_and_copying_gives_the_source(
    page: Page, product: Any
) -> None:
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    product.control("scripts", text="No formula here.")
    ask(page, "First")
    finished(page)
    assert not [one for one in asked if "katex" in one]
    text = "Euler: \\(e^{i\\pi} + 1 = 0\\), and\n\n\\[\n\\boxed{x = \\sqrt{2}}\n\\]"
    product.control("scripts", text=text)
    ask(page, "Second")
    finished(page)
    expect(last_answer(page).locator("math")).to_have_count(2)
    assert len([one for one in asked if "katex" in one]) == 1
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    last_answer(page).locator("[data-action=copy]").click()
    page.wait_for_function("() => navigator.clipboard.readText()")
    assert page.evaluate("navigator.clipboard.readText()") == text


def test_without_katex_the_source_is_there_undamaged(page: Page, product: Any) -> None:
    page.route(
        "**/katex*/**",
        lambda route: route.fulfill(body="", content_type="text/javascript"),
    )
    text = "So \\(x_1 * y_1 * z\\) and \\[ a \\]."
    product.control("scripts", text=text)
    ask(page, "Tell me")
    finished(page)
    expect(last_answer(page).locator(".prose")).to_have_text(text)
    expect(last_answer(page).locator("math")).to_have_count(0)


def test_a_long_formula_scrolls_on_a_phone(phone: Any, product: Any) -> None:
    page = phone.new_page()
    page.goto("/")
    ready(page)
    long = "+".join(f"x_{{{i}}}" for i in range(60))
    product.control("scripts", text=f"In a line ${long}$ and apart\n\n$${long}$$")
    ask(page, "Expand")
    finished(page)
    formulas = last_answer(page).locator(".math")
    expect(formulas.locator("math")).to_have_count(2)
    wide = formulas.evaluate_all("all => all.map((e) => e.scrollWidth > e.clientWidth)")
    assert wide == [True, True]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
