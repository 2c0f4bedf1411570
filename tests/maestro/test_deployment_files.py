"""Dockerfile, compose.yml, units and proxy snippets name what exists and keep what they promise.

No container engine is needed: the files are read, and what they start is looked up.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

from maestro.env import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = yaml.safe_load((ROOT / "compose.yml").read_text())
OURS = {
    name: service
    for name, service in COMPOSE["services"].items()
    if service.get("image") == "maestro"
}
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def exists(command):
    """Whether `python …` of a unit or a service starts something of the product."""
    words = command.split() if isinstance(command, str) else list(command)
    assert Path(words[0]).name == "python", command
    if words[1:3] == ["-m", "maestro.start"]:
        return True
    assert words[1] == "manage.py", command
    return get_commands()[words[2]] == "maestro"


def variables(text):
    """The MAESTRO_… names in it, without those of a file and those of compose itself."""
    found = set(re.findall(r"\bMAESTRO_[A-Z_]+", text))
    return {name.removesuffix("_FILE") for name in found} - {"MAESTRO_PORT"}


@pytest.mark.parametrize(
    "path",
    [ROOT / "compose.yml", ROOT / "Dockerfile", *UNITS, DEPLOY / "caddy" / "Caddyfile",
     *sorted((DEPLOY / "nginx").iterdir()), DEPLOY / "healthcheck.py",
     ROOT / "docs" / "deployment.md"],
    ids=lambda path: path.name,
)  # fmt: skip
def test_every_setting_that_is_named_exists(path):
    assert variables(path.read_text()) <= set(SETTINGS)


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_service_starts_what_exists_and_may_do_little(name):
    service = OURS[name]
    assert exists(service["command"])
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"], "orphans need somebody"
    assert "/data" in str(service["volumes"])


def test_two_profiles_and_no_password_in_the_file():
    profiles = {p for s in COMPOSE["services"].values() for p in s["profiles"]}
    assert profiles == {"single", "scale"}
    single = [n for n, s in COMPOSE["services"].items() if "single" in s["profiles"]]
    assert single == ["maestro"]
    for name in ("web", "worker"):
        assert OURS[name]["deploy"]["replicas"] > 1
        waits = OURS[name]["depends_on"]["prepare"]
        assert waits == {"condition": "service_completed_successfully"}
    text = (ROOT / "compose.yml").read_text()
    assert not re.search(r"PASSWORD:|postgres://\S+:\S+@", text)
    subnet = COMPOSE["networks"]["inside"]["ipam"]["config"][0]["subnet"]
    assert OURS["web"]["environment"]["MAESTRO_TRUSTED_PROXIES"] == subnet


def test_the_image_is_no_root_and_brings_no_tools():
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "USER 10001:10001" in last and "VOLUME /data" in last
    assert "HEALTHCHECK" in last and "STOPSIGNAL SIGTERM" in last
    for tool in ("gcc", "build-essential", "apt-get", "curl", "pip install"):
        assert tool not in last
    assert "--require-hashes" in DOCKERFILE and "--only-binary :all:" in DOCKERFILE
    for source in re.findall(r"^COPY (?!--)([^\n]+) \S+$", DOCKERFILE, re.M):
        for name in source.split():
            assert list(ROOT.glob(name)) or name.endswith("*"), name
    command = re.search(r"^CMD \[(.+)\]", last, re.M)
    assert command and exists(re.findall(r'"([^"]+)"', command[1]))


def test_locks_agree_so_that_they_can_be_installed_together():
    """The image installs two at once, and pip takes no package in two versions."""
    pins = {}
    for lock in sorted(ROOT.glob("requirements*.txt")):
        text = lock.read_text()
        for name in set(re.findall(r"^([\w.-]+)", text, re.MULTILINE)):
            found = rf"^{re.escape(name)}(?:\[[^]]*\])?==([^ ;]+)"
            versions = frozenset(re.findall(found, text, re.MULTILINE))
            pins.setdefault(name, {}).setdefault(versions, []).append(lock.name)
    assert len(pins) > 40
    assert {name: where for name, where in pins.items() if len(where) > 1} == {}


def test_the_image_gets_every_package_of_the_product():
    """And the build context is a list of what may come, so that no key or data does."""
    allowed = (ROOT / ".dockerignore").read_text().split("\n")
    assert allowed[1] == "*"
    for name in ("maestro", "providers", "sessions_app", "context_app", "templates"):
        assert f"COPY {name} {name}" in DOCKERFILE and f"!{name}" in allowed
    for sources in re.findall(r"^COPY (?!--)([^\n]+) \S+$", DOCKERFILE, re.M):
        for source in sources.split():
            assert source.endswith("*") or f"!{source}" in allowed, source


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_what_exists_and_is_hardened(path):
    text = path.read_text()
    (command,) = re.findall(r"^ExecStart=(.+)$", text, re.M)
    assert exists(command)
    for line in (
        "User=maestro", "NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes",
        "ProtectHome=yes", "CapabilityBoundingSet=", "UMask=0077",
        "StateDirectory=maestro", "RestartPreventExitStatus=78",
    ):  # fmt: skip
        assert f"\n{line}\n" in text, line


@pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd itself is not everywhere"
)
def test_systemd_understands_the_units(tmp_path):
    for path in UNITS:
        text = path.read_text().replace("/opt/maestro/.venv/bin/python", sys.executable)
        (tmp_path / path.name).write_text(text)
    names = [str(tmp_path / path.name) for path in UNITS if "@" not in path.name]
    names += [str(tmp_path / "maestro-web@8001.service")]
    (tmp_path / "maestro-web@8001.service").symlink_to(
        tmp_path / "maestro-web@.service"
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names],
        capture_output=True,
        text=True,
    )
    ours = [line for line in done.stderr.splitlines() if "maestro" in line]
    assert not ours, ours
