"""S-29, F37: only what the lock names by hash is installed, and nothing runs unasked."""

import base64
import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)


@pytest.fixture
def environment():
    """bin/environment.py, which runs before anything is installed."""
    spec = importlib.util.spec_from_file_location(
        "environment", ROOT / "bin" / "environment.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wheel(folder, body):
    """A minimal wheel; its path."""
    path = folder / "maestro_sample-1.0-py3-none-any.whl"
    info = "maestro_sample-1.0.dist-info"
    files = {
        "maestro_sample.py": body,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: maestro-sample\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            digest = hashlib.sha256(text.encode()).digest()
            encoded = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            rows.append(f"{name},sha256={encoded},{len(text)}")
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,", ""]))
    return path


@pytest.fixture
def index(tmp_path, environment, monkeypatch):
    """A local index in place of the public one, and a lock that names its one wheel."""
    folder = tmp_path / "index"
    folder.mkdir()
    digest = hashlib.sha256(wheel(folder, "GOOD = True\n").read_bytes()).hexdigest()
    (tmp_path / "lock.txt").write_text(f"maestro-sample==1.0 --hash=sha256:{digest}\n")
    for name, value in {
        "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": folder, "PIP_TARGET": tmp_path / "out",
        "PIP_CONFIG_FILE": "/dev/null", "PIP_NO_CACHE_DIR": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    pip = shutil.which("pip") or shutil.which("pip3")
    python = sys.executable
    if subprocess.run([python, "-m", "pip", "-V"], capture_output=True).returncode:
        python = pip and re.match(r"#!(\S+)", Path(pip).read_text())[1]
    assert python, "no pip on this machine"
    monkeypatch.setattr(
        environment, "_installers", lambda: [[python, "-m", "pip", "install", "-q"]]
    )
    return folder


def test_the_wheel_that_the_lock_names_is_installed(index, environment, tmp_path):
    environment._install(str(tmp_path / "lock.txt"))
    assert (tmp_path / "out" / "maestro_sample.py").read_text() == "GOOD = True\n"


def test_a_tampered_wheel_is_refused(index, environment, tmp_path, capsys):
    wheel(index, "GOOD = False\n")
    with pytest.raises(SystemExit):
        environment._install(str(tmp_path / "lock.txt"))
    assert "DO NOT MATCH THE HASHES" in capsys.readouterr().err
    assert not (tmp_path / "out" / "maestro_sample.py").exists()


def test_a_package_without_a_hash_is_refused(index, environment, tmp_path):
    (tmp_path / "lock.txt").write_text("maestro-sample==1.0\n")
    with pytest.raises(SystemExit):
        environment._install(str(tmp_path / "lock.txt"))
    assert not (tmp_path / "out").exists()


def test_this_environment_runs_nothing_unasked(environment):
    packages = Path(sysconfig.get_paths()["purelib"])
    assert environment.startup_hooks(packages) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("litellm_init.pth", "import os; os.system('true')"),
        ("distutils-precedence.pth", "import os; import evil"),
        ("innocent.pth", "/somewhere/else\nimport\tevil"),
        ("sitecustomize.py", ""),
        ("usercustomize.py", ""),
    ],
)
def test_a_hook_that_python_would_run_at_its_start_is_named(
    environment, tmp_path, name, text
):
    (tmp_path / "editable.pth").write_text("/work/checkout\n")  # a path runs nothing
    (tmp_path / name).write_text(text)
    assert environment.startup_hooks(tmp_path) == [name]


def test_a_start_with_such_a_hook_is_refused_before_python_runs_it(
    environment, tmp_path, monkeypatch
):
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "evil.pth").write_text("import evil")
    monkeypatch.setattr(environment, "VENV", tmp_path)
    with pytest.raises(SystemExit, match=r"evil\.pth"):
        environment.refuse_startup_hooks()


def test_every_documented_way_to_install_goes_by_hash():
    """No README, document, container or CI step installs a package by name alone."""
    found = []
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".ci/*"),
                 *ROOT.glob("Dockerfile*"), *ROOT.glob("bin/*"), ROOT / "Makefile"]:  # fmt: skip
        if not path.is_file():
            continue
        for line in path.read_text().splitlines():
            if re.search(r"\b(pip3?|uv pip)\s+install\b", line):
                found += [] if "--require-hashes" in line else [f"{path.name}: {line}"]
    assert found == []
