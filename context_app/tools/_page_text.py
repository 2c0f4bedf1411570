"""HTML as text that a model can read: title first, no scripts, styles or forms' insides.

Made for pages of strangers: what the parser cannot make sense of is left out, and its time
is bounded (unclosed constructs make it look at the same text again and again).
"""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

_LIMIT_S = 2.0
_STEP = 16_384
_HIDDEN = frozenset(
    {"script", "style", "template", "svg", "math", "iframe", "object", "noembed",
     "noframes", "select", "textarea", "canvas"}
)  # fmt: skip
_BLOCKS = frozenset(
    {"p", "div", "section", "article", "header", "footer", "main", "aside", "nav", "ul",
     "ol", "dl", "dt", "dd", "table", "tr", "blockquote", "figure", "figcaption", "form",
     "fieldset", "hr", "br", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "address",
     "details", "summary"}
)  # fmt: skip
_SPACES = re.compile(r"[ \t\r\f\v\u00a0]+")
_EMPTY_LINES = re.compile(r"\n\s*\n\s*")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    "\U000e0000-\U000e007f]"
)


def page_text(html: str) -> str:
    """The readable text of a page; its title is the first line where it has one."""
    reader = _Reader()
    until = time.monotonic() + _LIMIT_S
    for at in range(0, len(html), _STEP):
        if time.monotonic() > until:
            break
        try:
            reader.feed(html[at : at + _STEP])
        except AssertionError:  # the parser's word for a declaration it does not know
            break
    # Not closed: what is open at the end would be read again character by character.
    title = " ".join("".join(reader.title).split())
    lines = [
        _SPACES.sub(" ", line).strip() for line in "".join(reader.text).split("\n")
    ]
    body = _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip()
    return visible(f"{title}\n\n{body}" if title else body)


def visible(text: str) -> str:
    """Without characters that nobody sees and a model reads all the same."""
    return _INVISIBLE.sub("", text)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.title: list[str] = []
        self._hidden: list[str] = []
        self._is_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._hidden:
            if tag == self._hidden[-1]:
                self._hidden.append(tag)
        elif tag in _HIDDEN:
            self._hidden.append(tag)
        elif tag == "title":
            self._is_title = not self.title
        elif tag == "li":
            self.text.append("\n- ")
        elif tag in ("td", "th"):
            self.text.append(" | ")
        elif tag in _BLOCKS:
            mark = "#" * int(tag[1]) + " " if re.fullmatch("h[1-6]", tag) else ""
            self.text.append(f"\n{mark}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS and not self._hidden:
            self.text.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag == self._hidden[-1]:
                self._hidden.pop()
        elif tag == "title":
            self._is_title = False
        elif tag in _BLOCKS:
            self.text.append("\n")

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        (self.title if self._is_title else self.text).append(data)
