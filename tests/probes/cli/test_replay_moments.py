from __future__ import annotations

from pathlib import Path

import pytest

from probes.artifacts import artifact
from probes.cli import MISUSE, main
from probes.cli.replay_moments import KIND, NOBODY, RESULT
from probes.moment_replay import NEAREST, RANDOM
from tests.probes.cli.conftest import Tiny, told

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def realized(tiny: Tiny, searched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Findings of the tiny model, taken back as well as a few steps can."""
    path = tmp_path_factory.mktemp("realized") / "r"
    arguments = ["realize", str(searched), "--states", str(tiny.states), "--all", "--generations", "2"]
    assert main([*arguments, "--threads", "1", "-o", str(path)]) == 0
    return path


def command(tiny: Tiny, realized: Path, output: Path) -> list[str]:
    few = ["--random", "2", "--drives", "2", "--seconds", "1", "--threads", "1"]
    return ["replay-moments", str(realized), "--states", str(tiny.states), *few, "-o", str(output)]


def test_findings_are_driven_on_from_beside_recorded_moments(
    tiny: Tiny, realized: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*command(tiny, realized, tmp_path / "m"), "--all", "--json"]
    assert main(arguments) == 0
    found = told(capsys)
    assert found["groups"].keys() == {"t-plus-minus", NEAREST, RANDOM}
    assert found["groups"][RANDOM].keys() == {"reasonable", "distracted", NOBODY}
    assert found["groups"][RANDOM]["distracted"]["drives"] == 4
    assert found["groups"]["t-plus-minus"][NOBODY]["avoidable"]["value"] == 0.0
    assert found["verdicts"].keys() == {"t-plus-minus"}
    gap = found["against_random"]["t-plus-minus"]["distracted"]
    assert gap["low"] <= gap["value"] <= gap["high"]
    kept = artifact.read_json(tmp_path / "m" / RESULT)
    assert len(kept["moments"]) == sum(row["distracted"]["moments"] for row in found["groups"].values())
    assert artifact.load(tmp_path / "m", KIND).parents.keys() == {"states", "realized"}
    assert main(arguments) == 0
    assert "up to date" in capsys.readouterr().err


def test_the_same_moments_are_driven_alike(tiny: Tiny, realized: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert main([*command(tiny, realized, tmp_path / name), "--all"]) == 0
    first, second = (artifact.read_json(tmp_path / name / RESULT) for name in ("a", "b"))
    assert first["moments"] == second["moments"]


def test_without_a_realised_finding_recorded_moments_stand_alone(
    tiny: Tiny, realized: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = artifact.read_json(realized / RESULT)["states"]
    assert not any(row["is_realised"] for row in rows), "noise of a tiny model is no town"
    assert main([*command(tiny, realized, tmp_path / "m"), "--json"]) == 0
    found = told(capsys)
    assert found["groups"].keys() == {RANDOM}
    assert found["verdicts"] == {}


def test_one_scenario_twice_is_refused(
    tiny: Tiny, realized: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*command(tiny, realized, tmp_path / "m"), "--scenarios", "reasonable", "reasonable"]
    assert main(arguments) == MISUSE
    assert "two different ones" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()
