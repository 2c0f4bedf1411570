"""What the emulated model says: a script that a test queued, or what a keyword asks for.

keyword in the last user message      answer
emoji, unicode                        text of many scripts, and emoji
code                                  Markdown with code blocks
table                                 a Markdown table
long                                  some three thousand words
reason, think                         reasoning, then an answer
refuse                                a refusal
parallel (with tools)                 two tool calls
weather, tool (with tools)            one tool call
fastapi, stripe                       a long technical answer
anything else                         a friendly answer that says who is speaking
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Stop = Literal["stop", "length", "tool_use", "refusal"]


@dataclass(slots=True)
class Answer:
    """One model response. `stall_s`: silence in the middle of the text."""

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    stop: Stop = "stop"
    stall_s: float = 0.0
    piece_bytes: int = 0
    pace: float | None = None  # words per second; None: the server's
    match: str = ""

    def __post_init__(self) -> None:
        if self.calls and self.stop == "stop":
            self.stop = "tool_use"


def from_script(data: dict[str, Any]) -> Answer:
    """An answer from the control API's JSON. Raises ValueError for unknown fields."""
    unknown = set(data) - set(Answer.__slots__)
    if unknown:
        raise ValueError(f"a script has no {', '.join(sorted(unknown))}")
    if data.get("stop", "stop") not in get_args(Stop):
        raise ValueError(f"stop is one of {', '.join(get_args(Stop))}")
    calls = [
        (call["name"], call.get("arguments", {})) for call in data.get("calls", [])
    ]
    return Answer(**{**data, "calls": calls})


@dataclass(frozen=True, slots=True)
class Question:
    """What a wire understood of a request, as far as an answer depends on it."""

    text: str  # the last user message
    tools: list[str]  # names of the tools that may be called
    tool_results: list[str]  # of the turn that is answered
    prompt_chars: int


def answer_to(question: Question) -> Answer:
    """The scripted answer to what the person said."""
    if question.tool_results:
        found = "; ".join(question.tool_results)
        return Answer(text=f"The tool says: {found}. That is all there is to know.")
    words = question.text.lower()
    if question.tools:
        called = _tool_call(words, question.tools)
        if called is not None:
            return called
    for keywords, text in _TEXTS:
        if any(keyword in words for keyword in keywords):
            return Answer(text=text)
    if "refuse" in words:
        return Answer(text="I can't help with that.", stop="refusal")
    if "reason" in words or "think" in words:
        return Answer(reasoning=_REASONING, text=_REASONED)
    quoted = " ".join(question.text.split())[:200]
    return Answer(text=_DEFAULT.format(quoted=quoted))


def _tool_call(words: str, tools: list[str]) -> Answer | None:
    if "parallel" in words:
        calls = [(tools[0], {"city": "Bern"}), (tools[-1], {"city": "Basel"})]
        return Answer(calls=calls)
    if "weather" in words or "tool" in words:
        return Answer(text="Let me look that up.", calls=[(tools[0], {"city": "Bern"})])
    return None


_DEFAULT = """You asked: *{quoted}*

I am Maestro's **built-in emulator**, not a real model, so here is what a real one would \
get: your question, the conversation so far, and the settings you chose. Everything \
around this answer is real — the streaming, the stop button, the history, the branches.

Try one of these:

- **code** – an answer with code blocks
- **reason** – an answer with visible reasoning
- **table** – a table
- **emoji** – text in many scripts
- **long** – a long answer, good for stopping

When you are ready, add a real credential: it becomes the default at once."""

_REASONING = (
    "The person wants to see how reasoning looks. I should think in a few steps, keep each "
    "of them short, check the result once, and only then answer."
)
_REASONED = (
    "Reasoning models think before they speak. What you can unfold above is a summary of "
    "that; the answer itself is this sentence."
)

_EMOJI = (
    "Grüße aus Zürich! 你好，世界。 こんにちは。 Привет, мир. مرحبا بالعالم. "
    "नमस्ते दुनिया. 👋🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇨🇭 — “quotes”, ½, √2 ≈ 1.414, e\u0301 = é.\n\n"
    "Each of these is several bytes long, and none may break in two. 🎉"
)

_CODE = """Here is a small rate limiter.

```python
import time


class TokenBucket:
    \"\"\"At most `rate` per second, with bursts up to `burst`.\"\"\"

    def __init__(self, rate: float, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self.tokens, self.at = float(burst), time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
```

Use it like this:

```bash
python -c "from bucket import TokenBucket; print(TokenBucket(2, 5).take())"
```

`take()` returns `False` when the caller should wait."""

_TABLE = """| Vendor | Wire | Streams |
|---|---|:--:|
| OpenAI | Responses | yes |
| Anthropic | Messages | yes |
| Gemini | generateContent | yes |

All three end with a *terminal event*; a stream without one was cut."""

_FASTAPI = """A **FastAPI** application for Stripe-based subscriptions has three parts: \
checkout, webhooks, and access control.

```python
import stripe
from fastapi import FastAPI, Header, HTTPException, Request

app = FastAPI()


@app.post("/webhook")
async def webhook(request: Request, stripe_signature: str = Header()) -> dict:
    payload = await request.body()
    try:
        event = stripe.Webhook.construct_event(payload, stripe_signature, SECRET)
    except (ValueError, stripe.SignatureVerificationError) as error:
        raise HTTPException(400, "bad signature") from error
    if event["type"] == "customer.subscription.deleted":
        await end_subscription(event["data"]["object"]["id"])
    return {"received": True}
```

**Error handling**: answer a Stripe error with a message the person can act on, retry \
only what is idempotent, and store each event id so that a repeated webhook does nothing.

**Verification**: never trust the body before the signature was checked, and read the \
raw bytes: a parsed and re-encoded body has another signature."""

_LONG = "\n\n".join(
    f"### Part {part}\n\n"
    + " ".join(
        f"Sentence {line} of part {part} goes on for a while, so that there is time to "
        "scroll, to stop, to reload and to come back."
        for line in range(1, 11)
    )
    for part in range(1, 13)
)

_TEXTS: list[tuple[tuple[str, ...], str]] = [
    (("fastapi", "stripe"), _FASTAPI),
    (("emoji", "unicode"), _EMOJI),
    (("code",), _CODE),
    (("table",), _TABLE),
    (("long",), _LONG),
]


def pieces(text: str) -> list[str]:
    """Text as a model streams it: a word or so at a time, spaces kept."""
    found: list[str] = []
    start = 0
    for i, char in enumerate(text):
        if char == " " and i > start:
            found.append(text[start:i])
            start = i
    found.append(text[start:])
    return [piece for piece in found if piece]
