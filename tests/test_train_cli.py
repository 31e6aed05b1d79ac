from __future__ import annotations

import json
from pathlib import Path

import pytest

from drivesim.cli import main
from drivesim.scenario.loader import load
from drivesim.train_cli import make_network

TINY = """
schema_version: 1
name: tiny
extends: reasonable
camera: {width: 32, height: 32}
cars: {count: 1}
pedestrians: {count: 1}
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(TINY)
    return str(tmp_path / "tiny.yaml")


def test_network_fits_the_scenario_it_is_made_for() -> None:
    scenario = load("mixed_field")
    network = make_network(scenario, seed=0)
    assert network.layout.observation_shape == (8, 3, 128, 128)
    assert network.config.actions == len(scenario.actions)


def test_training_can_be_resumed_and_remembers_its_commands(tiny: str) -> None:
    arguments = ["train", tiny, "--run", "r", "--envs", "2", "--precision", "float32"]
    assert main([*arguments, "--steps", "32"]) == 0
    assert main([*arguments, "--steps", "64", "--resume"]) == 0
    metadata = json.loads(Path("runs/r/agent/agent.json").read_text())["metadata"]
    assert metadata["training"]["step"] == 64
    assert [entry["from_step"] for entry in metadata["commands"]] == [0, 32]
    options = f"{tiny} --run r --envs 2 --precision float32"
    assert metadata["commands"][0]["command"] == f"drivesim train {options} --steps 32"
    assert metadata["scenario"] == "tiny"


def test_a_finished_run_is_evaluated_recorded_and_shipped(tiny: str) -> None:
    assert main(["train", tiny, "--run", "r", "--envs", "2", "--steps", "640"]) == 0
    assert main(["evaluate", "r", tiny, "--episodes", "2"]) == 0
    assert main(["ship", "r", "--scenarios", tiny, "--episodes", "2", "-o", "shipped"]) == 0
    evaluation = json.loads(Path("shipped/evaluation.json").read_text())
    assert set(evaluation["summaries"]) == {f"r in {tiny}", f"driver:blind in {tiny}"}
    assert Path("shipped/curve.jsonl").read_text()
    assert Path("shipped/curve.png").stat().st_size > 1_000


def test_agent_of_another_layout_is_refused(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", tiny, "--run", "r", "--envs", "2", "--steps", "16"]) == 0
    assert main(["evaluate", "r", "reasonable", "--episodes", "1"]) == 2
    assert "32, 32" in capsys.readouterr().err


def test_training_refuses_seeds_that_are_held_out(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", tiny, "--run", "r", "--seed", "1000000"]) == 2
    assert "for final evaluation only" in capsys.readouterr().err


def test_a_run_is_resumed_only_where_it_is_and_in_its_own_scenario(
    tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--run", "r", "--envs", "2", "--steps", "16"]
    assert main(["train", tiny, *arguments, "--resume"]) == 2
    assert "no checkpoint to resume" in capsys.readouterr().err
    assert main(["train", tiny, *arguments]) == 0
    Path(tiny).write_text(TINY.replace("cars: {count: 1}", "cars: {count: 2}"))
    assert main(["train", tiny, *arguments, "--resume"]) == 2
    assert "was trained in 'tiny'" in capsys.readouterr().err


def test_a_camera_that_no_network_fits_is_told(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(tiny).write_text(TINY.replace("width: 32", "width: 33"))
    assert main(["train", tiny, "--run", "r", "--envs", "2", "--steps", "16"]) == 2
    assert "no network fits its camera" in capsys.readouterr().err
