from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.cli import MISUSE, main
from probes.cli.goggles import happened, named_models
from probes.data.episodes import Episodes, Player, play
from probes.data.simulation import SimulationFactory
from probes.domains.driving import load_agent
from probes.state_models.model_store import KIND, WEIGHTS, build_model, model_settings

BRIEF = "schema_version: 1\nname: brief\nextends: reasonable\nsim: {episode_s: 1}\n"


def write_model(path: Path, seed: int) -> Path:
    """Write a small state model of the first agent's states that has learned nothing."""
    model = build_model("paper", load_agent("reasonable-seg4").layout, {"filters": (4, 4, 4, 4)}, seed)
    with artifact.writing(path, KIND, config={"model": model_settings(model)}, seed=0, parents={}) as scratch:
        artifact.save_tensors(scratch / WEIGHTS, model.state_dict())
    return path


def run(folder: Path, *models: str, episodes: int = 2) -> int:
    (folder / "brief.yaml").write_text(BRIEF)
    where = ["--scenario", str(folder / "brief.yaml"), "-o", str(folder / "goggles")]
    return main(["goggles", "--models", *models, "--episodes", str(episodes), "--json", *where])


def test_an_agent_plays_through_state_models_and_only_new_ones_are_played_through_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = f"first={write_model(tmp_path / 'a', 1)}"
    assert run(tmp_path, first) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["table"]["rows"]) == {"first"}
    assert told["endings"]["agent"] == {"time": 2}
    result = json.loads((tmp_path / "goggles" / "result.json").read_text())
    assert result["episodes"]["first"]["lengths"] == [10, 10]
    assert result["happened"]["agent"]["people_hit_per_km"]["value"] == 0.0
    played: list[int] = []

    def counted(factory: SimulationFactory, player: Player, seeds: range, **settings: Any) -> Episodes:
        played.append(len(seeds))
        return play(factory, player, seeds, **settings)

    monkeypatch.setattr("probes.cli.goggles.play", counted)
    assert run(tmp_path, first) == 0
    assert json.loads(capsys.readouterr().out) == told
    assert played == []
    assert run(tmp_path, first, f"second={write_model(tmp_path / 'b', 2)}") == 0
    assert played == [2]
    rows = json.loads(capsys.readouterr().out)["table"]["rows"]
    assert rows["first"] == told["table"]["rows"]["first"]
    assert set(rows) == {"first", "second"}


def test_a_state_model_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "first=nowhere") == MISUSE
    assert "no state model 'nowhere'" in capsys.readouterr().err
    assert not (tmp_path / "goggles").exists()


@pytest.mark.parametrize("name", ["agent", "floor", "..", "a/b"])
def test_a_name_that_is_taken_or_no_name_is_refused(tmp_path: Path, name: str) -> None:
    path = write_model(tmp_path / "a", 1)
    with pytest.raises(ProbeError, match="allowed are different ones"):
        named_models([f"{name}={path}"])
    with pytest.raises(ProbeError, match="allowed are different ones"):
        named_models([str(path), f"a={path}"])


def test_people_hit_are_counted_per_kilometre() -> None:
    endings = np.array(["person", "time", "person"])
    ones = np.ones(3)
    told = happened(Episodes(np.arange(3), ones, np.arange(3), endings, np.array([300.0, 900.0, 800.0])))
    assert told["endings"] == {"person": 2, "time": 1}
    assert told["km"] == 2.0
    assert told["people_hit_per_km"]["value"] == 1.0
    still = Episodes(np.arange(3), ones, np.arange(3), endings, np.zeros(3))
    assert happened(still)["people_hit_per_km"] is None
