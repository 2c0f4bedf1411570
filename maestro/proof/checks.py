"""What must be true of an answer: pure functions, each returns what it saw or raises.

Called by `pipeline.py` with the answer that came; nothing here asks anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from maestro.proof.asking import Answer
from maestro.proof.verdicts import must
from providers.accumulate import Accumulator
from providers.retry import RetryClass, classify
from providers.streaming import parse_stream

MIN_CHARS = 100
WORDS = ("FastAPI", "Stripe", "error")
_PIECE_BYTES = 61  # cuts events, lines and characters


@dataclass(frozen=True, slots=True)
class Check:
    """A claim about an answer to the standard question."""

    name: str
    promise: str
    holds: Callable[[Answer], str]


def has_ended(answer: Answer) -> str:
    """The vendor's terminal event, not the end of a connection."""
    must(answer.error is None, answer.trouble)
    must(answer.stop_reason is not None, "no terminal event came")
    return f"ended by itself ({answer.stop_reason})"


def is_whole(answer: Answer) -> str:
    """Nothing was cut off: neither by a limit nor by a connection."""
    must(answer.stop_reason == "stop", f"it ended with {answer.stop_reason or 'a cut'}")
    return "nothing was cut off"


def is_long_enough(answer: Answer) -> str:
    """More than a refusal or an excuse."""
    size = len(answer.text)
    must(size > MIN_CHARS, f"{size} characters, not more than {MIN_CHARS}")
    return f"{size:,} characters in {answer.deltas:,} events"


def is_on_topic(answer: Answer) -> str:
    """It is about what was asked."""
    text = answer.text.casefold()
    missing = [word for word in WORDS if word.casefold() not in text]
    must(not missing, f"these words are missing: {', '.join(missing)}")
    return f"it speaks of {', '.join(WORDS)}"


def counts_tokens(answer: Answer) -> str:
    """Usage of input and output."""
    used = answer.usage
    must(
        bool(used.input_tokens) and bool(used.output_tokens),
        f"the vendor counted {used.input_tokens} tokens in and {used.output_tokens} out",
    )
    return f"{used.input_tokens:,} tokens in, {used.output_tokens:,} out"


ANSWER_CHECKS = (
    Check("ended", "the answer ends with the vendor's terminal event", has_ended),
    Check("whole", "the answer is not truncated", is_whole),
    Check("length", f"the answer has more than {MIN_CHARS} characters", is_long_enough),
    Check("words", f"the answer speaks of {', '.join(WORDS)}", is_on_topic),
    Check("usage", "the vendor counts tokens of input and output", counts_tokens),
)


def came_through_the_parser(answer: Answer, dialect: str) -> str:
    """The bytes that came, read again by `parse_stream` in other pieces, mean the same."""
    wire = bytes(answer.wire)
    must(bool(wire), "no bytes came")
    again = Accumulator()
    pieces = (wire[i : i + _PIECE_BYTES] for i in range(0, len(wire), _PIECE_BYTES))
    for event in parse_stream(pieces, dialect):
        again.add(event)
    heard = answer.heard
    must(again.text == heard.text, "the parser reads another text in the same bytes")
    must(again.usage == heard.usage, "the parser reads another usage")
    must(again.finished == heard.finished, "the parser reads another end")
    return f"{len(wire):,} bytes of {dialect}, read twice alike"


def was_stopped(answer: Answer, within_s: float) -> str:
    """We ended it, at once, and kept what there was."""
    must(answer.error is None, f"it failed: {answer.trouble}")
    reason = answer.stop_reason
    must(reason == "cancelled", f"it ended with {reason} before it could be stopped")
    must(bool(answer.text), "what had come is lost")
    took = answer.ended_after_s
    must(took is not None and took <= within_s, f"it took {took} s to stop")
    return f"over after {took:.2f} s, {len(answer.text)} characters kept"


def failed_before_it_began(answer: Answer) -> str:
    """Nothing was shown, and the error says that it may pass."""
    must(answer.error is not None, "the failure was not noticed")
    must(not answer.text, "something was shown before it failed")
    return answer.error.kind if answer.error else ""


def broke_off(answer: Answer) -> str:
    """A cut is an error of its class, never an end, and the text before stays."""
    must(answer.error is not None, f"no cut was noticed: it ended {answer.stop_reason}")
    assert answer.error is not None
    kind = classify(answer.error)
    lasting = (RetryClass.CUT, RetryClass.SERVER, RetryClass.NETWORK)
    must(kind in lasting, f"the cut became {answer.trouble} ({kind})")
    must(bool(answer.text), "what had come is lost")
    return f"{answer.error.kind}, {len(answer.text)} characters kept"


def was_mended(answer: Answer) -> str:
    """After all, the answer has everything that an unbroken one has."""
    for check in ANSWER_CHECKS:
        check.holds(answer)
    return (
        f"{answer.how}: {len(answer.text):,} characters, {answer.attempts} request(s)"
    )
