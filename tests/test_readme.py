"""The README's scenario works as it stands there: checked, previewed, driven by both scripted drivers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from drivesim.cli import main
from drivesim.evaluation import drive
from drivesim.pilots import load_pilot
from drivesim.scenario.loader import load
from probes.cli import main as probes_main

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture(scope="module")
def scenario_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    blocks = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    scenarios = [block for block in blocks if "schema_version" in block]
    assert len(scenarios) == 1
    path = tmp_path_factory.mktemp("readme") / "school_street.yaml"
    path.write_text(scenarios[0])
    return path


def test_readme_scenario_has_about_ten_lines_and_no_error(
    scenario_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(scenario_file.read_text().splitlines()) <= 11
    assert main(["scenario", "check", str(scenario_file)]) == 0
    assert "ok" in capsys.readouterr().out


def test_readme_scenario_is_previewed(scenario_file: Path) -> None:
    picture = scenario_file.with_suffix(".png")
    assert main(["scenario", "preview", str(scenario_file), "-o", str(picture)]) == 0
    assert picture.stat().st_size > 5_000


@pytest.mark.parametrize("driver", ["driver:blind", "driver:expert"])
def test_readme_scenario_is_driven(scenario_file: Path, driver: str) -> None:
    scenario = load(str(scenario_file))
    pilot, _ = load_pilot(driver, scenario)
    episodes = drive(scenario, pilot, range(4))
    assert sum(e.distance_m for e in episodes) > 200.0


@pytest.mark.parametrize(
    ("program", "run", "named"),
    [
        ("drivesim", main, {"scenario", "train", "evaluate", "record", "agents"}),
        ("probes", probes_main, {"collect", "fit", "search", "goggles", "study", "replay"}),
    ],
)
def test_readme_names_only_commands_that_exist(
    program: str, run: Callable[[list[str]], int], named: set[str]
) -> None:
    text = README.read_text(encoding="utf-8")
    commands = set(re.findall(rf"^(?:\| `)?{program} ([a-z][a-z-]*)", text, re.MULTILINE))
    assert named <= commands
    for command in commands:
        with pytest.raises(SystemExit) as stop:
            run([command, "--help"])
        assert stop.value.code == 0
