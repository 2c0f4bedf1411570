"""What callers of the universal interface may pass, checked before anything is sent.

`checked` stands on every public call: a keyword that does not exist, a word that is none of
the known ones or a value of another type ends in a ConfigurationError that suggests the
nearest valid one. A value that may be a secret is never repeated. Pure.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import (
    Annotated,
    Any,
    Literal,
    ParamSpec,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from providers.errors import ConfigurationError
from providers.types import Message, Reasoning, Tool

P = ParamSpec("P")
R = TypeVar("R")

_SHOWABLE = re.compile(r"[A-Za-z_]{1,16}\Z")
_SIMPLE: dict[type, tuple[type, ...]] = {
    str: (str,),
    bool: (bool,),
    int: (int,),
    float: (float, int),
}


def suggestion(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'this'?` for a word that is nearly one of these, else nothing."""
    by_plain = {_plain(name): name for name in known}
    close = difflib.get_close_matches(_plain(word), by_plain, n=1, cutoff=0.6)
    return f" Did you mean {by_plain[close[0]]!r}?" if close else ""


def check_names(call: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raises ConfigurationError for options that `call` does not have."""
    names = sorted(known)
    for name in sorted(set(given) - set(names)):
        raise ConfigurationError(
            f"{call}() has no option {name}.{suggestion(name, names)}"
            f" Options: {', '.join(names)}."
        )


def check_word(call: str, name: str, value: object, known: Sequence[str]) -> None:
    """Raises ConfigurationError unless the value is one of the words."""
    if isinstance(value, str) and value in known:
        return
    near = suggestion(value, known) if isinstance(value, str) else ""
    raise ConfigurationError(
        f"{call}(): {name} cannot be {_shown(value)}.{near}"
        f" Known: {', '.join(map(repr, known))}."
    )


def checked(call: Callable[P, R]) -> Callable[P, R]:
    """The same call, which looks at its arguments first. Complex types pass unseen."""
    parameters = inspect.signature(call).parameters
    names = [p.name for p in parameters.values() if p.kind is not p.VAR_KEYWORD]
    is_open = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    positional = [p.name for p in parameters.values() if p.kind < p.VAR_POSITIONAL]

    @functools.cache
    def hints() -> dict[str, Any]:  # late: modules may still be on their way in
        return get_type_hints(call)

    @functools.wraps(call)
    def looked_at(*args: P.args, **kwargs: P.kwargs) -> R:
        if not is_open:
            check_names(call.__name__, kwargs, names)
        for name, value in (*zip(positional, args, strict=False), *kwargs.items()):
            if name in parameters:
                _check(call.__name__, name, value, hints().get(name, Any))
        return call(*args, **kwargs)

    return looked_at


def _check(call: str, name: str, value: object, hint: Any) -> None:
    """Raises ConfigurationError for a value that cannot be of this (simple) type."""
    options = [hint]
    if get_origin(hint) in (Union, types.UnionType):
        options = list(get_args(hint))
    if value is None and type(None) in options:
        return
    options = [option for option in options if option is not type(None)]
    if len(options) != 1:
        return
    wanted = options[0]
    if get_origin(wanted) is Literal:
        check_word(call, name, value, get_args(wanted))
    elif wanted in _SIMPLE:
        is_bool = isinstance(value, bool) and wanted is not bool
        if is_bool or not isinstance(value, _SIMPLE[wanted]):
            raise ConfigurationError(
                f"{call}(): {name} must be {wanted.__name__}, not "
                f"{type(value).__name__}."
            )


class _ChatOptions(msgspec.Struct, forbid_unknown_fields=True):
    """The options of a chat; types as in `ChatRequest`, limits as far as all agree."""

    system: str = ""
    tools: list[Tool] = []
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True
    reasoning: Reasoning = Reasoning()
    max_output_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    temperature: float | None = None
    stop_sequences: list[str] = []
    response_schema: dict[str, Any] | None = None
    conversation_key: str = ""
    idle_timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 300.0


# With those that are parameters of the calls themselves: to be suggested, too.
_CHAT_NAMES = (
    *_ChatOptions.__struct_fields__,
    "auth_type",
    "model",
    "partial",
    "on_renewing",
)
_EFFORTS = ("none", "minimal", "low", "medium", "high", "max")
_CHOICES = ("auto", "none", "required")


def check_chat(
    call: str, messages: Sequence[Message], options: Mapping[str, Any]
) -> None:
    """Raises ConfigurationError for what cannot be a request, and says what could."""
    check_names(call, options, _CHAT_NAMES)
    for i, message in enumerate(messages):
        if not isinstance(message, Message):
            raise ConfigurationError(
                f"{call}(): messages[{i}] must be a Message, not "
                f"{type(message).__name__}."
            )
    effort = getattr(options.get("reasoning"), "effort", None)
    if effort is not None:
        check_word(call, "reasoning.effort", effort, _EFFORTS)
    _check_instances(call, options)
    check_types(call, options, _ChatOptions)
    choice = options.get("tool_choice", "auto")
    if choice not in _CHOICES:
        tools = [tool.name for tool in options.get("tools") or ()]
        check_word(call, "tool_choice", choice, (*_CHOICES, *tools))


def _check_instances(call: str, options: Mapping[str, Any]) -> None:
    """What looks like one of our types, but is not, would fail far from here."""
    rows: list[tuple[str, object, type]] = []
    if "reasoning" in options:
        rows.append(("reasoning", options["reasoning"], Reasoning))
    tools = options.get("tools")
    if isinstance(tools, list | tuple):
        rows += [(f"tools[{i}]", tool, Tool) for i, tool in enumerate(tools)]
    for name, value, wanted in rows:
        if not isinstance(value, wanted):
            raise ConfigurationError(
                f"{call}(): {name} must be a {wanted.__name__}, not "
                f"{type(value).__name__}."
            )


def check_types(call: str, options: Mapping[str, Any], shape: type) -> None:
    """Raises ConfigurationError with the option that does not fit the struct `shape`."""
    try:
        msgspec.convert(msgspec.to_builtins(dict(options)), shape)
    except (msgspec.ValidationError, TypeError) as exc:
        what, _, where = str(exc).partition(" - at `$.")
        place = where.rstrip("`") or "an option"
        words = what.replace("`", "").replace(" | null", " or nothing")
        raise ConfigurationError(f"{call}(): {place}: {words}.") from exc


def _plain(word: str) -> str:
    return word.lower().replace("-", "_")


def _shown(value: object) -> str:
    """The value, if nobody keeps a secret that looks like it."""
    if isinstance(value, str) and not value:
        return "empty"
    if isinstance(value, str) and _SHOWABLE.match(value):
        return repr(value)
    return f"this {type(value).__name__}"
