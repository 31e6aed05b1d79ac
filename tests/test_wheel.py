"""What a wheel carries: built from the checkout, installed elsewhere, used outside the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from drivesim.agents import shipped_agents
from drivesim.scenario.loader import shipped_names
from probes.models import shipped_models

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]

_USE = """
import json, drivesim
from drivesim.agents import agents_directory, shipped_agents
from drivesim.scenario.loader import load, shipped_names
print(json.dumps({
    "package": drivesim.__file__,
    "scenario": load("distracted").name,
    "scenarios": shipped_names(),
    "agents": shipped_agents(),
    "agents_directory": str(agents_directory()),
}))
"""

_PROBE = """
import json, probes
from pathlib import Path
from probes.models import models_directory, shipped_models
print(json.dumps({
    "package": probes.__file__,
    "models": shipped_models(),
    "models_directory": str(models_directory()),
    "templates": [path.name for path in (Path(probes.__file__).parent / "report" / "templates").iterdir()],
}))
"""


def run(*command: str, cwd: Path, path: Path | None = None) -> str:
    """Run a command in `cwd`, with nothing but `path` before the interpreter's own packages."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel from a copy, so that the checkout gets no build folder."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("drivesim", "probes", "scenarios"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), cwd=source)
    (built,) = folder.glob("drivesim-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the wheel as pip does, into a folder of its own."""
    target = tmp_path_factory.mktemp("installed")
    command = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target))
    run(sys.executable, *command, str(wheel), cwd=target)
    return target


def test_an_installed_wheel_finds_scenarios_and_agents_by_name(installed: Path, tmp_path: Path) -> None:
    found = json.loads(run(sys.executable, "-c", _USE, cwd=tmp_path, path=installed))
    assert Path(found["package"]).is_relative_to(installed), "another drivesim was imported"
    assert found["scenario"] == "distracted"
    assert found["scenarios"] == shipped_names()
    assert found["agents"] == shipped_agents()
    assert Path(found["agents_directory"]).is_relative_to(installed)


def test_the_installed_command_lists_the_scenarios(installed: Path, tmp_path: Path) -> None:
    command = ("from drivesim.cli import main; raise SystemExit(main(['scenario', 'list']))",)
    assert "distracted" in run(sys.executable, "-c", *command, cwd=tmp_path, path=installed)


def test_the_installed_probes_find_their_models_and_their_templates(installed: Path, tmp_path: Path) -> None:
    found = json.loads(run(sys.executable, "-c", _PROBE, cwd=tmp_path, path=installed))
    assert Path(found["package"]).is_relative_to(installed), "other probes were imported"
    assert found["models"] == shipped_models()
    assert Path(found["models_directory"]).is_relative_to(installed)
    assert "page.html.j2" in found["templates"]


def test_the_installed_probes_explain_themselves(installed: Path, tmp_path: Path) -> None:
    told = run(sys.executable, "-m", "probes", "study", "--help", cwd=tmp_path, path=installed)
    assert "usage: probes study" in told


def test_the_wheel_installs_both_commands(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (entry_points,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
    told = archive.read(entry_points).decode()
    assert "drivesim = drivesim.cli:main" in told
    assert "probes = probes.cli:main" in told


@pytest.mark.parametrize(
    "folder", ["drivesim/agents", "probes/agents", "probes/models", "probes/report/templates"]
)
def test_the_wheel_carries_all_that_is_shipped(folder: str, wheel: Path) -> None:
    found = (ROOT / folder).glob("*" if folder.endswith("templates") else "*/*")
    wanted = {str(path.relative_to(ROOT)) for path in found if path.is_file()}
    wanted = {name for name in wanted if "__pycache__" not in name}
    assert wanted or folder in ("probes/agents", "probes/models")
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.parametrize("package", ["drivesim", "probes"])
def test_the_wheel_carries_every_module(package: str, wheel: Path) -> None:
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*.py")}
    carried = set(zipfile.ZipFile(wheel).namelist())
    assert len(modules) > 30
    assert modules <= carried
    assert f"{package}/py.typed" in carried
