"""The catalogue: what is known of a model, what an answer costs, whose word counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from providers import catalogue
from providers.errors import ConfigurationError
from providers.events import Usage
from providers.types import Model, Price


@pytest.fixture(autouse=True)
def _built_in_only() -> Iterator[None]:
    catalogue.use_override(None)
    yield
    catalogue.use_override(None)


def usage(given: int, answered: int, cached: int = 0, written: int = 0) -> Usage:
    return Usage(
        input_tokens=given,
        output_tokens=answered,
        cached_input_tokens=cached,
        cache_write_tokens=written,
    )


def built_in() -> dict[str, Any]:
    path = Path(catalogue.__file__).with_name("catalogue.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def listed(provider: str) -> list[Model]:
    """Every model of the built-in file, as it is looked up."""
    names = built_in()["providers"][provider]["models"]
    found = [catalogue.lookup(provider, name) for name in names]
    assert found
    assert None not in found
    return [model for model in found if model]


def price_of(provider: str, model_id: str) -> Price:
    model = catalogue.lookup(provider, model_id)
    assert model is not None
    assert model.price is not None
    return model.price


def override(tmp_path: Path, **models: Any) -> Path:
    path = tmp_path / "catalogue.json"
    group = {"date": "2027-01-01", "source": "our contract", "models": models}
    path.write_text(json.dumps({"providers": {"openai": group}}))
    return path


@pytest.mark.parametrize(
    ("provider", "model_id", "listed"),
    [
        ("openai", "gpt-5.4", "gpt-5.4"),
        ("openai", "gpt-5.4-2026-03-05", "gpt-5.4"),
        ("anthropic", "claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("anthropic", "claude-opus-5-5-latest", "claude-opus-5-5"),
        ("gemini", "models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("gemini", "gemini-2.5-flash-001", "gemini-2.5-flash"),
        ("gemini", "gemini-2.5-pro-preview-05-06", "gemini-2.5-pro"),
        ("gemini", "gemini-flash-latest", "gemini-flash-latest"),
    ],
)
def test_a_model_is_found_by_its_name_and_by_its_versions(provider, model_id, listed):
    model = catalogue.lookup(provider, model_id)
    assert model is not None
    assert model.id == listed


@pytest.mark.parametrize(
    ("provider", "model_id"),
    [
        ("openai", "demo-model"),
        ("openai", "gpt-5.4-2026"),
        ("anthropic", "gpt-5.4"),
        ("ollama", "gpt-5.4"),
        ("gemini", ""),
    ],
)
def test_what_is_not_listed_has_no_price(provider, model_id):
    assert catalogue.lookup(provider, model_id) is None
    assert catalogue.cost(provider, model_id, usage(1, 1)) is None


@pytest.mark.parametrize(
    ("provider", "model_id", "window", "output", "price"),
    [
        ("openai", "gpt-6-astra", 922_000, 128_000, (10, 50, 1, 12.5)),
        ("openai", "gpt-6.1-terra", 922_000, 128_000, (1, 5, 0.05, 1.25)),
        ("openai", "gpt-5.5", 1_050_000, 128_000, (5, 30, 0.5, None)),
        ("anthropic", "claude-fable-5-1", 1_000_000, 128_000, (10, 50, 0.25, 12.5)),
        ("anthropic", "claude-opus-5-5", 1_000_000, 128_000, (4, 20, 0.2, 5)),
        ("anthropic", "claude-haiku-4-5", 200_000, 64_000, (1, 5, 0.1, 1.25)),
        ("gemini", "gemini-3.8-flash", 1_048_576, 65_536, (0.75, 3.75, 0.075, None)),
    ],
)
def test_the_flagships_are_listed(provider, model_id, window, output, price):
    model = catalogue.lookup(provider, model_id)
    assert model is not None
    assert (model.context_window, model.max_output_tokens) == (window, output)
    found = price_of(provider, model_id)
    figures = (found.input, found.output, found.cached_input, found.cache_write)
    assert figures == price
    assert model.price_date == "2026-11-22"


def test_openai_asks_double_for_long_input_from_5_4_on():
    for model in listed("openai"):
        price = model.price
        if (
            price is None
            or (model.context_window or 0) <= 272_000
            or price.tier is None
        ):
            continue
        assert price.above_tokens == 272_000
        assert price.tier.input == pytest.approx(2 * price.input)
        assert price.tier.output == pytest.approx(1.5 * price.output)
        if price.cached_input is not None:
            assert price.tier.cached_input == pytest.approx(2 * price.cached_input)
    assert price_of("openai", "gpt-5.4").tier is not None
    assert price_of("openai", "gpt-6-luna").tier is not None


def test_announced_ends_are_marked():
    for name in ("gpt-5", "gpt-5-mini", "o3", "gpt-4o", "gpt-4.1"):
        model = catalogue.lookup("openai", name)
        assert model is not None
        assert model.deprecated, name
    current = catalogue.lookup("openai", "gpt-6.1-sol")
    assert current is not None
    assert not current.deprecated


def test_every_group_says_where_it_comes_from_and_every_entry_is_whole():
    file = built_in()
    known = {"tools", "images", "files", "reasoning", "schema"}
    for provider, group in file["providers"].items():
        assert group["source"].startswith("https://")
        for model in listed(provider):
            assert model.label
            assert model.abilities <= known
            assert model.price is not None
            assert model.price.input < model.price.output


def test_the_cost_is_exact_and_dated():
    # 600 fresh at 2, 400 cached at 0.1, 50 answered at 10 dollars per million
    assert catalogue.cost("openai", "gpt-6.1-sol", usage(1000, 50, cached=400)) == (
        Decimal("0.00174"),
        "2026-11-22",
    )


def test_written_and_cached_tokens_are_part_of_the_input():
    found = catalogue.cost(
        "anthropic",
        "claude-opus-5-5",
        usage(1_000_000, 0, cached=200_000, written=300_000),
    )
    assert found is not None
    assert (
        found[0]
        == Decimal("0.5") * 4 + Decimal("0.2") * Decimal("0.2") + Decimal("0.3") * 5
    )


@pytest.mark.parametrize(
    ("given", "wanted"), [(100_000, "0.01"), (100_001, "0.0500005")]
)
def test_the_whole_request_costs_more_above_the_limit(given, wanted):
    found = catalogue.cost("anthropic", "claude-haiku-5-5", usage(given, 0))
    assert found is not None
    assert found[0] == Decimal(wanted)


def test_cached_tokens_without_a_price_of_their_own_cost_what_input_costs():
    own = Model(id="mine", price=Price(input=1, output=2), price_date="2027-01-01")
    found = catalogue.cost("x", "mine", usage(10, 10, cached=5, written=2), own)
    assert found == (Decimal("0.00003"), "2027-01-01")


@pytest.mark.parametrize(
    "said", [Usage(), Usage(input_tokens=1), Usage(output_tokens=1)]
)
def test_numbers_that_nobody_told_are_not_guessed(said):
    assert catalogue.cost("openai", "gpt-5.4", said) is None


def test_an_operators_file_adds_and_wins(tmp_path):
    ours = {"price": {"input": 1, "output": 1}}
    catalogue.use_override(override(tmp_path, **{"gpt-5.4": ours, "own": ours}))
    assert catalogue.cost("openai", "gpt-5.4", usage(1_000_000, 0)) == (1, "2027-01-01")
    assert catalogue.lookup("openai", "own") is not None
    assert catalogue.lookup("openai", "gpt-5.5") is not None
    catalogue.use_override(None)
    assert catalogue.lookup("openai", "own") is None
    assert price_of("openai", "gpt-5.4").input == 2.5


@pytest.mark.parametrize("text", ["", "[]", '{"providers": {"openai": {}}}', "\xff"])
def test_a_file_of_another_form_is_refused_and_changes_nothing(tmp_path, text):
    path = tmp_path / "catalogue.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"catalogue\.json"):
        catalogue.use_override(path)
    assert price_of("openai", "gpt-5.4").input == 2.5


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="MAESTRO_CATALOGUE_FILE"):
        catalogue.use_override(tmp_path / "none.json")
