"""What we know of models that their vendors do not say: sizes, abilities, prices.

Called by vendor packages (model lists, output limits), by runs (the cost of an answer)
and by pages (the date beside it). The truth is `catalogue.json` beside this file, each
group with its source and the day it was read; prices age, so every figure made from
them is an estimate of that day. An operator's own file adds to it and wins.

A name is looked up as it is, then without its date or `-latest`: `gpt-5.4-2026-03-05`
is `gpt-5.4` as it was on that day. A model that is not listed (an emulated one, somebody's
own) has no price.
"""

from __future__ import annotations

import re
import threading
from decimal import Decimal
from pathlib import Path

import msgspec

from providers.errors import ConfigurationError
from providers.events import Usage
from providers.types import Model, Price

_BUILT_IN = Path(__file__).with_name("catalogue.json")
_MILLION = Decimal(1_000_000)
# -20251001, -2026-03-05, -001, -latest, -preview-05-20
_VERSION = re.compile(r"-(latest|\d{8}|\d{4}-\d{2}-\d{2}|\d{3}|preview-\d{2}-\d{2})\Z")

_lock = threading.Lock()
_models: dict[tuple[str, str], Model] | None = None
_override: Path | None = None


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    label: str = ""
    context_window: int | None = None
    max_output_tokens: int | None = None
    abilities: frozenset[str] = frozenset()
    price: Price | None = None
    shutdown: str = ""  # the day the vendor announced, ISO


class _Group(msgspec.Struct, forbid_unknown_fields=True):
    date: str
    source: str
    models: dict[str, _Entry]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    providers: dict[str, _Group]
    about: str = ""


def lookup(provider: str, model_id: str) -> Model | None:
    """What the catalogue knows of a model; `id` is the name it is listed under."""
    models = _all()
    name = model_id.removeprefix("models/")
    return models.get((provider, name)) or models.get(
        (provider, _VERSION.sub("", name))
    )


def cost(
    provider: str, model_id: str, usage: Usage, prices_of: Model | None = None
) -> tuple[Decimal, str] | None:
    """(USD, ISO date of the prices) of one response, exact; None without a price.

    `usage` is normalised: input includes cached and written tokens, output includes
    reasoning. `prices_of` brings a model's own price (a vendor's list, a setting).
    """
    model = prices_of or lookup(provider, model_id)
    if model is None or model.price is None:
        return None
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    price = _tier(model.price, usage.input_tokens)
    cached = usage.cached_input_tokens or 0
    written = usage.cache_write_tokens or 0
    fresh = max(usage.input_tokens - cached - written, 0)
    usd = (
        fresh * _exact(price.input)
        + cached * _exact(_else(price.cached_input, price.input))
        + written * _exact(_else(price.cache_write, price.input))
        + usage.output_tokens * _exact(price.output)
    )
    return usd / _MILLION, model.price_date


def use_override(path: str | Path | None) -> None:
    """Read an operator's own file on top of the built-in one; None forgets it.

    Raises ConfigurationError when it cannot be read or has another form.
    """
    global _models, _override
    wanted = Path(path) if path else None
    fresh = _read_all(wanted)
    with _lock:
        _override, _models = wanted, fresh


def _all() -> dict[tuple[str, str], Model]:
    global _models
    with _lock:
        if _models is None:
            _models = _read_all(_override)
        return _models


def _read_all(override: Path | None) -> dict[tuple[str, str], Model]:
    models = _read(_BUILT_IN)
    if override is not None:
        models |= _read(override)
    return models


def _read(path: Path) -> dict[tuple[str, str], Model]:
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except OSError as exc:
        raise ConfigurationError(
            f"The catalogue {path} cannot be read: {exc.strerror}. Check "
            "MAESTRO_CATALOGUE_FILE."
        ) from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ConfigurationError(
            f"The catalogue {path} is not in the form of the built-in one: {exc}."
        ) from exc
    return {
        (provider, name): _model(name, entry, group.date)
        for provider, group in file.providers.items()
        for name, entry in group.models.items()
    }


def _model(name: str, entry: _Entry, date: str) -> Model:
    return Model(
        id=name,
        label=entry.label or name,
        context_window=entry.context_window,
        max_output_tokens=entry.max_output_tokens,
        abilities=entry.abilities,
        reasons="reasoning" in entry.abilities if entry.abilities else None,
        price=entry.price,
        price_date=date if entry.price else "",
        deprecated=bool(entry.shutdown),
    )


def _tier(price: Price, input_tokens: int) -> Price:
    """The prices that hold for a request of this size: all of it, not the rest only."""
    if price.tier is None or price.above_tokens is None:
        return price
    return price.tier if input_tokens > price.above_tokens else price


def _exact(usd: float) -> Decimal:
    """The figure as it is written in the file."""
    return Decimal(str(usd))


def _else(usd: float | None, otherwise: float) -> float:
    return otherwise if usd is None else usd
