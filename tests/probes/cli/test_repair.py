from __future__ import annotations

import json
from pathlib import Path

import pytest

from drivesim.scenario.loader import load, scenario_digest
from probes.artifacts import artifact
from probes.cli import MISUSE, main
from probes.cli.repair import KIND, RESULT
from probes.cli.replay_moments import KIND as MOMENTS
from tests.probes.cli.conftest import told
from tests.probes.crossings import write_crossing

USUAL = "schema_version: 1\nname: {name}\nextends: {extends}\nsim: {{episode_s: 1}}\n"
NAMES = {"usual": "reasonable", "adverse": "distracted"}


def write_moments(place: Path, crossings: int) -> Path:
    """Write what `probes replay-moments` would: found scenarios, and two short ones to drive in."""
    usual = []
    for name, extends in NAMES.items():
        (place / f"{name}.yaml").write_text(USUAL.format(name=name, extends=extends))
        digest = scenario_digest(load(place / f"{name}.yaml"))
        usual.append({"name": name, "digest": digest})
    with artifact.writing(place / "moments", MOMENTS, config={}, seed=0, parents={}) as scratch:
        files = [write_crossing(scratch, f"found-{k}", seconds=2).name for k in range(crossings)]
        again = {"value": 1.0, "low": 0.8, "high": 1.0, "n": 20}
        found = [{"file": file, "again": again} for file in files]
        artifact.write_json(scratch / RESULT, {"scenarios": usual, "scenario_files": found})
    return place / "moments"


def arguments(moments: Path, output: Path) -> list[str]:
    few = ["--steps", "512", "--episodes", "2", "--threads", "1"]
    where = ["--scenarios", *(str(moments.parent / f"{name}.yaml") for name in NAMES)]
    return ["repair", str(moments), *where, *few, "--json", "-o", str(output)]


@pytest.mark.slow
def test_the_agent_is_trained_on_with_half_of_the_scenarios_and_tried_in_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = write_moments(tmp_path, 3)
    assert main(arguments(moments, tmp_path / "repair")) == 0
    found = told(capsys)
    assert found["trained on"] == ["found-0.yaml", "found-2.yaml"]
    assert found["held out"] == ["found-1.yaml"]
    assert found["drivers"].keys() == {"before", "after", "control"}
    places = {name: one["trials"] for name, one in found["drivers"]["after"].items()}
    assert places == {"held out": 1, "trained on": 2, "usual": 2, "adverse": 2}
    assert found["verdict"] == "cannot tell"
    (runs,) = (tmp_path / "repair.runs").iterdir()
    after, control = (
        json.loads((runs / name / "agent" / "agent.json").read_text()) for name in ("after", "control")
    )
    mixed = [part["scenario"] for part in after["metadata"]["commands"][-1]["mix"]["parts"]]
    assert mixed == ["reasonable", "found-0", "found-2"]
    assert "mix" not in control["metadata"]["commands"][-1]
    assert artifact.load(tmp_path / "repair", KIND).parents["moments"].kind == MOMENTS
    assert main(arguments(moments, tmp_path / "repair")) == 0
    assert "up to date" in capsys.readouterr().err


def test_one_scenario_is_too_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(write_moments(tmp_path, 1), tmp_path / "repair")) == 0
    found = told(capsys)
    assert found["why_not"].startswith("of the hits that were found 1 could be written as a scenario")
    assert "drivers" not in found
    assert not (tmp_path / "repair.runs").exists()


def test_other_scenarios_than_those_of_the_replay_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["repair", str(write_moments(tmp_path, 2)), "-o", str(tmp_path / "repair")]
    assert main(given) == MISUSE
    assert "--scenarios: found 'reasonable' (sha256 " in capsys.readouterr().err


def test_what_is_no_replay_of_moments_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(tmp_path, tmp_path / "repair")) == MISUSE
    assert str(tmp_path) in capsys.readouterr().err
    assert not (tmp_path / "repair").exists()
