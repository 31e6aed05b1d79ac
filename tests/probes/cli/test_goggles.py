from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from probes.agent import ProbeError
from probes.artifacts import artifact
from probes.cli import MISUSE, main
from probes.cli.goggles import named_models
from probes.data.episodes import Episodes, Player, play
from probes.data.simulation import SimulationFactory
from probes.domains.atari_agents import AtariAgent
from probes.domains.atari_consoles import ConsoleConfig
from probes.domains.atari_simulation import AtariSimulation
from probes.domains.driving import load_agent
from probes.state_models.model_store import KIND, WEIGHTS, build_model, model_settings
from tests.probes.cli.conftest import Tiny, told

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


@pytest.mark.slow
def test_a_game_is_compared_by_its_score_and_by_the_rewards_signs(
    tiny_game: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    brief = partial(AtariSimulation, ConsoleConfig("freeway", max_frames=24))

    def short(agent: AtariAgent, scenario: str | None) -> SimulationFactory:
        assert (agent.game, scenario) == ("freeway", None)
        return brief

    monkeypatch.setattr("probes.cli.goggles.simulation_factory", short)
    where = ["--agent", str(tiny_game.agent), "--models", f"m={tiny_game.model}", "--threads", "1"]
    assert main(["goggles", *where, "--episodes", "2", "--json", "-o", str(tmp_path / "g")]) == 0
    found = told(capsys)
    assert found["endings"] == {name: {"time": 2} for name in ("agent", "floor", "m")}
    assert found["table"]["agent"]["value"] == found["clipped"]["agent"]["value"] == 0.0
    result = json.loads((tmp_path / "g" / "result.json").read_text())
    assert result["floor"] == "noop"
    assert result["happened"]["m"]["decisions"]["value"] == 6.0
    assert set(result["happened"]["m"]) == {"endings", "score", "clipped_score", "decisions"}
