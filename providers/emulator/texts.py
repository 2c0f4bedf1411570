"""What the emulated model says at length; `answers.py` chooses by keyword."""

from __future__ import annotations

DEFAULT = """You asked: *{quoted}*

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

REASONING = (
    "The person wants to see how reasoning looks. I should think in a few steps, keep each "
    "of them short, check the result once, and only then answer."
)
REASONED = (
    "Reasoning models think before they speak. What you can unfold above is a summary of "
    "that; the answer itself is this sentence."
)

EMOJI = (
    "Grüße aus Zürich! 你好，世界。 こんにちは。 Привет, мир. مرحبا بالعالم. "
    "नमस्ते दुनिया. 👋🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇨🇭 — “quotes”, ½, √2 ≈ 1.414, e\u0301 = é.\n\n"
    "Each of these is several bytes long, and none may break in two. 🎉"
)

CODE = """Here is a small rate limiter.

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

TABLE = """| Vendor | Wire | Streams |
|---|---|:--:|
| OpenAI | Responses | yes |
| Anthropic | Messages | yes |
| Gemini | generateContent | yes |

All three end with a *terminal event*; a stream without one was cut."""

FASTAPI = """A **FastAPI** application for Stripe-based subscriptions has three parts: \
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

LONG = "\n\n".join(
    f"### Part {part}\n\n"
    + " ".join(
        f"Sentence {line} of part {part} goes on for a while, so that there is time to "
        "scroll, to stop, to reload and to come back."
        for line in range(1, 11)
    )
    for part in range(1, 13)
)
