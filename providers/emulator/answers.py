"""What the emulated model says: a script that a test queued, or what a keyword asks for.

keyword in the last user message      answer
emoji, unicode                        text of many scripts, and emoji
code                                  Markdown with code blocks
table                                 a Markdown table
long                                  some three thousand words
reason, think                         reasoning, then an answer
refuse                                a refusal
parallel (with tools)                 two tool calls
weather, tool (with tools)            one tool call, of the tool that is named in it
circle (with tools)                   the same call again and again, eight times
 … dishonest                          that says it only looks, whatever it does; else its
                                      risk is told by the tool's name
 … unexplained                        without the intent that the tool wants
fastapi, stripe                       a long technical answer
anything else                         a friendly answer that says who is speaking

A request with a schema is answered in its form: code audits with what patterns find in the
code (code_review.py), others with plausible values.

A keyword is the beginning of a word: “codes” asks for code, “unicode” and “along” do not
ask for code and a long answer. After a tool result the answer quotes what the tool said.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from providers.emulator import code_review, texts

Stop = Literal["stop", "length", "tool_use", "refusal"]
Word = str | float  # what one delta carries, or seconds of silence
_INTENTS = ("dishonest", "unexplained")
_RISKS = (
    (("delete", "destroy", "drop"), "high"),
    (("write", "change", "edit", "apply_patch", "shell"), "medium"),
)
_ROUNDS = 8  # of a model that goes in a circle
_ARGUMENT_CHARS = 6  # of a tool call's arguments in one delta


@dataclass(slots=True)
class Block:
    """One part of an answer: text, reasoning, or a tool call with its arguments."""

    kind: Literal["text", "reasoning", "call"]
    words: list[Word] = field(default_factory=list)
    name: str = ""

    @property
    def text(self) -> str:
        """All that is said in it; of a call its arguments, as JSON text."""
        return "".join(word for word in self.words if isinstance(word, str))

    @property
    def arguments(self) -> Any:
        """The arguments of a call; an empty object if they are no JSON."""
        try:
            return json.loads(self.text)
        except ValueError:
            return {}


@dataclass(slots=True)
class Answer:
    """One model response.

    `text`, `reasoning` and `calls` are the short way to say it, in the order reasoning,
    text, calls; `pieces` is the long one, in any order. `stall_s`: silence in the middle
    of the text. `error`: the vendor's stream error with this message instead of an end.
    """

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    pieces: list[dict[str, Any]] = field(default_factory=list)
    stop: Stop = "stop"
    stall_s: float = 0.0
    piece_bytes: int = 0
    pace: float | None = None  # words per second; None: the server's
    match: str = ""
    error: str | None = field(default=None, init=False)
    blocks: list[Block] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        said: list[dict[str, Any]] = [
            {"reasoning": self.reasoning}, {"text": self.text},
            *({"call": call} for call in self.calls),
        ]  # fmt: skip
        for piece in self.pieces or said:
            self._add(piece)
        if self.stop == "stop" and any(b.kind == "call" for b in self.blocks):
            self.stop = "tool_use"

    def said(self, kind: str) -> str:
        """All text of the blocks of a kind."""
        return "".join(block.text for block in self.blocks if block.kind == kind)

    def _add(self, piece: dict[str, Any]) -> None:
        match piece:
            case {"text": str(text)}:
                self._speak("text", text)
            case {"reasoning": str(text)}:
                self._speak("reasoning", text)
            case {"call": (str(name), arguments)}:
                self.blocks.append(Block("call", _argument_words(arguments), name))
            case {"call": {"name": str(name), **rest}}:
                words = _argument_words(rest.get("arguments", {}))
                self.blocks.append(Block("call", words, name))
            case {"sleep": int() | float() as silence_s}:
                if not self.blocks:
                    self.blocks.append(Block("text"))
                self.blocks[-1].words.append(float(silence_s))
            case {"error": str(message)}:
                self.error = message
            case _:
                raise ValueError(f"no such piece: {piece!r}")

    def _speak(self, kind: Literal["text", "reasoning"], text: str) -> None:
        if not text:
            return
        last = self.blocks[-1] if self.blocks else None
        if last is None or last.kind != kind:
            is_silence = last is not None and last.kind == "text" and not last.text
            if last is None or not is_silence:
                self.blocks.append(last := Block(kind))
            last.kind = kind
        last.words += words_of(text)


def from_script(data: dict[str, Any]) -> Answer:
    """An answer from the control API's JSON. Raises ValueError for unknown fields."""
    unknown = set(data) - {known.name for known in fields(Answer) if known.init}
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
    schemas: dict[str, Any] = field(default_factory=dict)  # of the tools' parameters
    schema: dict[str, Any] | None = None  # that the answer must fit
    said: list[str] = field(default_factory=list)  # every user message


def answer_to(question: Question) -> Answer:
    """The scripted answer to what the person said."""
    words = question.text.lower()
    goes_round = bool(question.tools) and _asks_for(words, "circle")
    if question.tool_results and not (
        goes_round and len(question.tool_results) < _ROUNDS
    ):
        found = "; ".join(question.tool_results)
        return Answer(text=f"The tool says: {found}. That is all there is to know.")
    if question.schema is not None and not question.tools:
        return _structured(question, question.schema)
    if question.tools:
        called = _tool_call(words, question)
        if called is not None:
            return called
    return _spoken(words, question)


def _spoken(words: str, question: Question) -> Answer:
    """Plain text, by keyword."""
    for keywords, text in _TEXTS:
        if _asks_for(words, *keywords):
            return Answer(text=text)
    if _asks_for(words, "refuse"):
        return Answer(text="I can't help with that.", stop="refusal")
    if _asks_for(words, "reason", "think"):
        return Answer(reasoning=texts.REASONING, text=texts.REASONED)
    quoted = " ".join(question.text.split())[:200]
    return Answer(text=texts.DEFAULT.format(quoted=quoted))


def _structured(question: Question, schema: dict[str, Any]) -> Answer:
    """An answer in the form that was asked for."""
    if "findings" in (schema.get("properties") or {}):
        text, stop = code_review.review(question.said, schema)
        return Answer(text=text, stop=stop)
    return Answer(text=json.dumps(_value("answer", schema), ensure_ascii=False))


# Called where nobody names a tool: it needs no arguments that make sense.
_USUAL = "current_time"


def _tool_call(words: str, question: Question) -> Answer | None:
    tools = question.tools
    if _asks_for(words, "parallel"):
        return Answer(calls=[_call(n, question, words) for n in (tools[0], tools[-1])])
    if not _asks_for(words, "weather", "tool", "circle"):
        return None
    asked = [name for name in tools if name.lower().replace("_", " ") in words]
    usual = [name for name in tools if name == _USUAL]
    said = "" if _asks_for(words, *_INTENTS) else "Let me look that up."
    return Answer(
        text=said, calls=[_call((asked or usual or tools)[0], question, words)]
    )


def _call(name: str, question: Question, words: str) -> tuple[str, dict[str, Any]]:
    """A call with arguments that fit the tool's schema, as far as it is simple."""
    schema = question.schemas.get(name) or {}
    properties = schema.get("properties") or {}
    if not properties:
        return name, {"city": "Bern"}
    arguments: dict[str, Any] = {}
    for field_name in schema.get("required") or []:
        arguments[field_name] = _value(field_name, properties.get(field_name) or {})
    if "intent" in properties:
        arguments["intent"] = _intent(name, words, arguments.get("intent", {}))
        if _asks_for(words, "unexplained"):
            del arguments["intent"]
    return name, arguments


def _intent(name: str, words: str, fitting: dict[str, Any]) -> dict[str, Any]:
    """What is said of a call: as it is, or what gets it through."""
    if _asks_for(words, "dishonest"):
        return {**fitting, "scope": "Only look, change nothing.", "risk_level": "low"}
    risk = next((risk for verbs, risk in _RISKS if _asks_for(name, *verbs)), "low")
    scope = f"Use {name} to answer the question."
    return {**fitting, "scope": scope, "risk_level": risk}


def _value(name: str, schema: dict[str, Any]) -> Any:
    if schema.get("enum"):
        choices = schema["enum"]
        return "user_request" if "user_request" in choices else choices[0]
    match schema.get("type"):
        case "object":
            inner = schema.get("properties") or {}
            return {
                key: _value(key, inner.get(key) or {})
                for key in schema.get("required") or []
            }
        case "integer" | "number":
            return 1
        case "boolean":
            return False
        case "array":
            return []
    return "Bern" if name == "city" else f"the {name}"


def _asks_for(words: str, *keywords: str) -> bool:
    return re.search(rf"\b(?:{'|'.join(keywords)})", words) is not None


_TEXTS: list[tuple[tuple[str, ...], str]] = [
    (("fastapi", "stripe"), texts.FASTAPI),
    (("emoji", "unicode"), texts.EMOJI),
    (("code",), texts.CODE),
    (("table",), texts.TABLE),
    (("long",), texts.LONG),
]


def words_of(text: str) -> list[Word]:
    """Text as a model streams it: a word or so at a time, spaces kept."""
    found: list[Word] = []
    start = 0
    for i, char in enumerate(text):
        if char == " " and i > start:
            found.append(text[start:i])
            start = i
    return [*found, text[start:]] if text else []


def _argument_words(arguments: Any) -> list[Word]:
    """A string is sent as it is: models do write JSON that is none."""
    text = arguments
    if not isinstance(arguments, str):
        text = json.dumps(arguments, ensure_ascii=False)
    return [text[i : i + _ARGUMENT_CHARS] for i in range(0, len(text), _ARGUMENT_CHARS)]
