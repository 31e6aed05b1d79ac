from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from drivesim.cli import main
from drivesim.scenario.loader import load
from drivesim.scenario.record import DEFINITION, recorded_scenario
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
    assert recorded_scenario("tiny", metadata[DEFINITION], "agent.json") == load(tiny)


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


def found(folder: Path, name: str, cars: int = 0) -> None:
    """Write a found scenario that shows what the tiny one does."""
    (folder / f"{name}.yaml").write_text(f"name: {name}\nextends: tiny.yaml\ncars: {{count: {cars}}}\n")


def commands_of(run: str) -> list[dict[str, Any]]:
    """Return how a run's agent was made."""
    metadata = json.loads(Path(f"runs/{run}/agent/agent.json").read_text())["metadata"]
    return list(metadata["commands"])


def test_an_agent_goes_on_in_a_mix_that_it_remembers(tiny: str, tmp_path: Path) -> None:
    found(tmp_path, "one")
    found(tmp_path, "two")
    Path("mix.yaml").write_text("share: 0.75\nscenarios: [one.yaml, two.yaml]\n")
    assert main(["train", tiny, "--run", "before", "--envs", "2", "--steps", "16"]) == 0
    given = ["train", tiny, "--run", "after", "--envs", "4", "--mix", "mix.yaml"]
    assert main([*given, "--init", "before", "--steps", "32"]) == 0
    first, last = commands_of("after")
    assert "mix" not in first
    assert last["init"] == "before after 16 steps"
    assert last["mix"]["share"] == 0.75
    worlds = [(part["scenario"], part["worlds"]) for part in last["mix"]["parts"]]
    assert worlds == [("tiny", 1), ("one", 2), ("two", 1)]


def test_the_list_of_agents_tells_the_mix(
    tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found(tmp_path, "one")
    Path("mix.yaml").write_text("share: 1\nscenarios: [one.yaml]\n")
    assert main(["train", tiny, "--run", "r", "--envs", "2", "--steps", "16", "--mix", "mix.yaml"]) == 0
    monkeypatch.setattr("drivesim.evaluate_cli.agents_directory", lambda: Path("runs/r"))
    monkeypatch.setattr("drivesim.evaluate_cli.shipped_agents", lambda: ["agent"])
    assert main(["agents"]) == 0
    assert "(from step 0, on a mix, share 1, worlds: 2 of one (sha256 " in capsys.readouterr().out


def test_a_training_on_a_mix_resumes_bit_for_bit(tiny: str, tmp_path: Path) -> None:
    found(tmp_path, "one")
    Path("mix.yaml").write_text("scenarios: [one.yaml]\n")
    given = ["train", tiny, "--envs", "2", "--mix", "mix.yaml", "--precision", "float32"]
    # The rate of learning falls towards the last step, so that both must be told of the same one.
    assert main([*given, "--run", "whole", "--steps", "64"]) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("drivesim.rl.training.caught_signals", lambda: nullcontext([2]))
        assert main([*given, "--run", "parts", "--steps", "64"]) == 130
    assert main([*given, "--run", "parts", "--steps", "64", "--resume"]) == 0
    assert [entry["from_step"] for entry in commands_of("parts")] == [0, 16]
    whole, parts = (
        Path(f"runs/{run}/checkpoints/000000000064/state.safetensors") for run in ("whole", "parts")
    )
    assert whole.read_bytes() == parts.read_bytes()


def test_a_changed_mix_is_not_resumed(tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found(tmp_path, "one")
    Path("mix.yaml").write_text("scenarios: [one.yaml]\n")
    given = ["train", tiny, "--run", "r", "--envs", "2", "--steps", "16"]
    assert main([*given, "--mix", "mix.yaml"]) == 0
    assert main([*given, "--resume"]) == 2
    assert "asks for no mix; resume it with its own --mix" in capsys.readouterr().err
    found(tmp_path, "one", cars=2)
    assert main([*given, "--mix", "mix.yaml", "--resume"]) == 2
    assert "was trained on a mix, share 0.5, worlds: 1 of tiny" in capsys.readouterr().err
    found(tmp_path, "one")
    assert main([*given, "--mix", "mix.yaml", "--resume"]) == 0


def test_a_mix_that_does_not_fit_is_told_before_anything_is_written(
    tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mix.yaml").write_text("share: 2\nscenarios: [reasonable]\n")
    assert main(["train", tiny, "--run", "r", "--envs", "2", "--mix", "mix.yaml"]) == 3
    told = capsys.readouterr().err
    assert "mix.yaml:1:8  share  found 2" in told
    assert "mix.yaml:2:13  scenarios.0  reasonable shows other pictures than tiny" in told
    assert not Path("runs").exists()


def test_a_camera_that_no_network_fits_is_told(tiny: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(tiny).write_text(TINY.replace("width: 32", "width: 33"))
    assert main(["train", tiny, "--run", "r", "--envs", "2", "--steps", "16"]) == 2
    assert "no network fits its camera" in capsys.readouterr().err
