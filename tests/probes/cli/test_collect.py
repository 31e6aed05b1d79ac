from __future__ import annotations

import json
from pathlib import Path

import pytest

from probes.artifacts import artifact
from probes.cli import MISUSE, collect, main
from probes.data.simulation import SimulationFactory
from probes.data.state_set import KIND, load_states
from tests.probes.cli.conftest import Tiny
from tests.probes.counters import Counters, Critic
from tests.probes.game_agents import write_game_agent


class Player(Critic):
    domain, world = "driving", "where it learned"


@pytest.fixture
def towns(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the driving domain; return the scenarios that are asked for."""
    asked: list[str] = []

    def factory(agent: Player, scenario: str | None) -> SimulationFactory:
        asked.append(scenario or agent.world)
        return lambda num_worlds: Counters(num_worlds, digest=asked[-1])

    monkeypatch.setattr(collect, "load_agent", lambda *_: Player())
    monkeypatch.setattr(collect, "simulation_factory", factory)
    return asked


def run(path: Path, *more: str) -> int:
    small = ["--fit-states", "9", "--held-out-states", "4", "--worlds", "2", "--spacing", "2"]
    return main(["collect", *small, "--json", "-o", str(path), *more])


def test_states_are_collected_counted_and_not_collected_again(
    towns: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "set") == 0
    told = capsys.readouterr()
    states = load_states(tmp_path / "set")
    episodes = len(set(states.provenance["episode"].tolist()))
    assert json.loads(told.out) == {"path": str(tmp_path / "set"), "states": 13, "episodes": episodes}
    assert (len(states.fit_indices), len(states.held_out_indices)) == (9, 4)
    assert "collect critic: 14 of 14 decisions" in told.err
    before = (tmp_path / "set" / "manifest.json").read_bytes()
    assert run(tmp_path / "set") == 0
    again = capsys.readouterr()
    assert again.out == told.out
    assert "set: up to date" in again.err
    assert (tmp_path / "set" / "manifest.json").read_bytes() == before
    assert set(towns) == {"where it learned"}


@pytest.mark.parametrize("change", [["--seed", "1"], ["--epsilon", "0.5"], ["--scenario", "elsewhere"]])
def test_other_settings_collect_anew(towns: list[str], tmp_path: Path, change: list[str]) -> None:
    assert run(tmp_path / "set") == 0
    before = (tmp_path / "set" / "manifest.json").read_bytes()
    assert run(tmp_path / "set", *change) == 0
    assert (tmp_path / "set" / "manifest.json").read_bytes() != before
    assert towns[-1] == ("elsewhere" if "elsewhere" in change else "where it learned")


@pytest.mark.usefixtures("towns")
def test_settings_out_of_range_end_with_a_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "set", "--epsilon", "1.5") == MISUSE
    assert capsys.readouterr().err == "error: epsilon: found 1.5, allowed are 0 to 1\n"
    assert not (tmp_path / "set").exists()
    with pytest.raises(SystemExit):
        run(tmp_path / "set", "--worlds", "0")
    assert "--worlds: found '0', allowed is a whole number from 1 up" in capsys.readouterr().err


@pytest.mark.slow
def test_states_are_collected_through_a_state_model_and_name_it(tiny: Tiny, tmp_path: Path) -> None:
    few = ["--fit-states", "8", "--held-out-states", "4", "--worlds", "4", "--epsilon", "0", "--threads", "1"]
    collected = ["collect", *few, "--through", str(tiny.model), "--through-share"]
    for share in ("1", "0.25"):
        assert main([*collected, share, "-o", str(tmp_path / share)]) == 0
        parent = artifact.load(tmp_path / share, KIND).parents["through"]
        assert parent.digest == artifact.load(tiny.model, "state-model").digest
    assert main([*collected, "2", "-o", str(tmp_path / "no")]) == MISUSE


@pytest.mark.slow
def test_a_games_states_are_collected_with_its_memory(tiny_game: Tiny) -> None:
    states = load_states(tiny_game.states)
    assert len(states) == 36
    assert states.config["simulation"]["name"] == "freeway"
    assert states.config["agent"]["name"] == "new"
    assert states.actions == ("noop", "up", "down")
    assert states.situations["ram"].shape == (36, 128)


def test_a_game_has_no_scenario(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agent = write_game_agent(tmp_path / "new")
    assert run(tmp_path / "set", "--agent", str(agent), "--scenario", "reasonable") == MISUSE
    assert "--scenario is about driving, but agent 'new' plays" in capsys.readouterr().err
