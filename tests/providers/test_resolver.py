"""Providers are found by themselves, in folders and in other distributions."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import providers
from providers import resolver
from providers.compatible import openai_compatible
from providers.error_bodies import error_from_response
from providers.errors import ConfigurationError, QuotaExhausted, RateLimited

VENDOR = """
from providers.compatible import openai_compatible

provider = openai_compatible(
    slug={slug!r}, label={label!r}, base_url="https://api.acme.example/v1"
)
"""


@pytest.fixture(autouse=True)
def found_afresh() -> Iterator[None]:
    """Every test discovers for itself and leaves no trace."""
    modules = set(sys.modules)
    resolver.forget()
    yield
    for name in set(sys.modules) - modules:
        if name.startswith(("providers.drop_", "acme_")):
            del sys.modules[name]
            vars(providers).pop(name.rpartition(".")[2], None)
    importlib.invalidate_caches()
    resolver.forget()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory whose packages are folders of `providers/`."""
    path = tmp_path / "dropped"
    path.mkdir()
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(path)])
    return path


def drop(folder: Path, name: str, code: str) -> None:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(code)


def distribution(path: Path, name: str, code: str, *, target: str = "") -> None:
    """A package installed beside ours: a module, and metadata with an entry point."""
    (path / f"acme_{name}.py").write_text(code)
    info = path / f"acme_{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(
        f"[maestro.providers]\n{name} = acme_{name}{target}\n"
    )


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of other distributions."""
    path = tmp_path / "site"
    path.mkdir()
    monkeypatch.syspath_prepend(str(path))
    return path


def problems() -> list[str]:
    """What is wrong with the providers that a test added."""
    return [
        p for p in resolver.problems() if "drop_" in p or p.startswith("entry point")
    ]


def test_the_vendors_of_this_repository_are_found() -> None:
    found = set(resolver.providers())

    assert found >= {
        "openai",
        "anthropic",
        "gemini",
        "ollama",
        "vllm",
        "llamacpp",
        "lmstudio",
        "openrouter",
        "groq",
        "mistral",
        "deepseek",
        "xai",
        "custom",
    }
    assert resolver.problems() == []


def test_the_machinery_is_no_vendor() -> None:
    found = set(resolver.providers())

    assert not found & {"http", "dialects", "management", "conformance", "emulator"}


def test_a_folder_that_is_dropped_in_is_a_provider(folder: Path) -> None:
    drop(folder, "drop_acme", VENDOR.format(slug="acme", label="Acme"))

    assert resolver.provider("acme").label == "Acme"
    assert resolver.resolve("acme", "api_key").headers is not None
    assert problems() == []


def test_refusals_of_a_vendor_that_is_dropped_in_follow_its_manifest(
    folder: Path,
) -> None:
    more = (
        "from dataclasses import replace\n"
        "provider = replace(provider, quota_without_wait=True)"
    )
    code = VENDOR.format(slug="acme", label="ACME Inc.")
    drop(folder, "drop_acme", code + more)
    drop(folder, "drop_beta", VENDOR.format(slug="beta", label="Beta AI"))
    resolver.providers()

    used_up = error_from_response("acme", 429, {}, b"{}")
    assert type(used_up) is QuotaExhausted
    assert "at ACME Inc. is used up" in used_up.message
    limited = error_from_response("acme", 429, {"retry-after": "9"}, b"{}")
    assert type(limited) is RateLimited
    other = error_from_response("beta", 429, {}, b"{}")
    assert type(other) is RateLimited
    assert other.message.startswith("Too many requests to Beta AI.")


def test_another_distribution_may_bring_a_provider(installed: Path) -> None:
    distribution(installed, "cloud", VENDOR.format(slug="cloud", label="Cloud"))

    assert resolver.provider("cloud").label == "Cloud"
    assert resolver.resolve("cloud", "streaming").call is not None
    assert problems() == []


def test_an_entry_point_may_name_the_manifest_itself(installed: Path) -> None:
    code = VENDOR.format(slug="cloud", label="Cloud")
    distribution(installed, "cloud", code, target=":provider")

    assert resolver.provider("cloud").label == "Cloud"


def test_what_cannot_be_loaded_is_named_and_takes_nobody_down(
    folder: Path, installed: Path
) -> None:
    drop(folder, "drop_broken", "raise RuntimeError('out of order')")
    drop(folder, "drop_gone", "import module_that_is_not_there")
    drop(folder, "drop_quits", "raise SystemExit(1)")
    drop(folder, "drop_fine", VENDOR.format(slug="fine", label="Fine"))
    distribution(installed, "torn", "def broken(:")

    assert {"fine", "groq"} <= set(resolver.providers())
    told = "\n".join(problems())
    assert "providers.drop_broken cannot be loaded: RuntimeError: out of o" in told
    assert "providers.drop_gone cannot be loaded: ModuleNotFoundError" in told
    assert "providers.drop_quits cannot be loaded: SystemExit" in told
    assert "entry point torn cannot be loaded: SyntaxError" in told
    assert len(problems()) == 4


def test_what_does_not_comply_is_left_out_with_the_missing_part(folder: Path) -> None:
    drop(folder, "drop_empty", "")
    drop(folder, "drop_word", "provider = 'acme'")
    drop(
        folder,
        "drop_half",
        VENDOR.format(slug="half", label="Half")
        + """
from dataclasses import replace

class Half:
    key_url = ""
    def headers(self): return {}

class Mute:
    stream = None

provider = replace(provider, api_key=Half(), streaming=Mute(), models=None)
""",
    )

    assert "half" not in resolver.providers()
    half = next(p for p in problems() if "drop_half" in p)
    for missing in (
        "api_key.headers has no parameter 'credential'",
        "api_key.check is missing",
        "streaming.call is missing",
        "models is missing",
    ):
        assert missing in half
    assert any("drop_empty has no `provider`" in p for p in problems())
    assert any("drop_word" in p and "is not a" in p for p in problems())


def test_a_provider_without_a_way_to_sign_in_does_not_comply(folder: Path) -> None:
    code = VENDOR.format(slug="open", label="Open")
    more = "from dataclasses import replace\nprovider = replace(provider, api_key=None)"
    drop(folder, "drop_open", code + more)

    (problem,) = problems()
    assert "drop_open" in problem
    assert "neither api_key nor oauth" in problem


def test_a_slug_that_is_taken_stays_with_the_first(
    folder: Path, installed: Path
) -> None:
    drop(folder, "drop_acme", VENDOR.format(slug="acme", label="First"))
    distribution(installed, "acme", VENDOR.format(slug="acme", label="Second"))

    assert resolver.provider("acme").label == "First"
    assert problems() == [
        "entry point acme repeats the slug 'acme'; the first one counts"
    ]


def test_the_behaviours_are_resolved_by_words() -> None:
    manifest = resolver.provider("openai")

    assert resolver.resolve("openai", "api_key") is manifest.api_key
    assert resolver.resolve("openai", "models") is manifest.models
    assert resolver.resolve("openai", "streaming") is manifest.streaming


def test_a_behaviour_that_a_provider_lacks_is_named() -> None:
    with pytest.raises(ConfigurationError, match="Groq does not offer oauth"):
        resolver.resolve("groq", "oauth")


def test_a_login_that_is_not_there_is_named() -> None:
    label = resolver.provider("mistral").label

    with pytest.raises(ConfigurationError, match=f"{label} does not offer oauth"):
        resolver.resolve("mistral", "oauth")


def test_an_unknown_provider_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"no provider 'nobody'.*custom"):
        resolver.provider("nobody")


def test_an_unknown_behaviour_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"no behaviour 'telepathy'.*models"):
        resolver.resolve("groq", "telepathy")  # type: ignore[arg-type]


def test_compliance_can_be_asked_of_any_object() -> None:
    good = openai_compatible(slug="x", label="X", base_url="https://x.example/v1")

    assert resolver.compliance(good) == []
    assert resolver.compliance(None) == [
        "`provider` is not a providers.interface.Provider"
    ]


def test_the_list_of_providers_cannot_be_changed_by_its_readers() -> None:
    with pytest.raises(TypeError):
        resolver.providers()["mine"] = None  # type: ignore[index]
