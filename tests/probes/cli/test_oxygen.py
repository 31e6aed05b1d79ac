from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivesim.rl.checkpoint import save_agent
from drivesim.rl.networks import InputLayout
from drivesim.rl.q_network import QNetwork, QNetworkConfig
from probes.cli import MISUSE, main
from probes.cli.oxygen import load_player, tell_shown
from probes.data.state_set import load_states
from probes.domains.atari import action_names
from probes.domains.atari_consoles import ConsoleConfig
from probes.domains.seaquest import CAUSES, GAME, count_deaths
from probes.domains.seaquest_oxygen import oxygen_shown
from probes.synthesis.findings import load_findings
from tests.probes.cli.conftest import Tiny, told
from tests.probes.game_agents import write_game_agent


@pytest.fixture(scope="module")
def diver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a DQN of Seaquest that has learned nothing."""
    pytest.importorskip("ale_py")
    actions, path = action_names(GAME), tmp_path_factory.mktemp("agents") / "diver"
    network = QNetwork(InputLayout(("gray",), 4, 84, 84), QNetworkConfig(len(actions), hidden=16), seed=1)
    save_agent(path, network, {"game": GAME, "actions": list(actions), "sticky": 0.0})
    return path


@pytest.fixture
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut every game off after 30 decisions."""
    monkeypatch.setattr("probes.cli.oxygen.ConsoleConfig", partial(ConsoleConfig, max_frames=120))


def run(diver: Path, folder: Path, *more: str) -> list[str]:
    common = ["--threads", "1", "--json", "-o", str(folder / "oxygen")]
    return ["oxygen", *more, "--agent", str(diver), *common]


@pytest.mark.usefixtures("_brief")
def test_deaths_are_counted_under_both_conditions_and_only_once(
    diver: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = run(diver, tmp_path, "--episodes", "2")
    assert main(arguments) == 0
    first = told(capsys)
    assert set(first["conditions"]) == {"normal", "kept full"}
    normal = first["conditions"]["normal"]
    assert (normal["games"], set(normal["causes"])) == (2, set(CAUSES))
    assert normal["decisions"]["value"] == 30.0
    assert first["difference"]["decisions"]["value"] == 0.0
    assert first["targets"] == {}
    assert first["real"] is first["reading"] is None
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert "up to date" in captured.err
    assert json.loads(captured.out) == first
    played: list[bool] = []

    def counted(*given: Any, **settings: Any) -> Any:
        played.append(settings["is_kept_full"])
        return count_deaths(*given, **settings)

    monkeypatch.setattr("probes.cli.oxygen.count_deaths", counted)
    (tmp_path / "oxygen" / "result.json").unlink()
    assert main(arguments) == 0
    assert played == []  # what an interrupted run has left is read
    assert main(run(diver, tmp_path, "--episodes", "1")) == 0
    assert played == [False, True]


def test_an_agent_of_another_game_or_of_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ale_py")
    freeway = write_game_agent(tmp_path / "chicken")
    assert main(run(freeway, tmp_path)) == MISUSE
    assert "about the game 'seaquest', but 'chicken' plays 'freeway'" in capsys.readouterr().err
    assert main(run(Path("reasonable-seg4"), tmp_path)) == MISUSE
    assert "agent 'reasonable-seg4' drives" in capsys.readouterr().err
    assert not (tmp_path / "oxygen").exists()


def test_a_game_that_an_agent_does_not_play_is_refused(
    diver: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(run(diver, tmp_path, "--game", "pong")) == MISUSE
    assert "plays 'seaquest'" in capsys.readouterr().err
    assert load_player(str(diver), "Seaquest").game == GAME


def test_findings_need_their_states(diver: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(run(diver, tmp_path, "somewhere")) == MISUSE
    assert "name theirs by --states" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("_brief")
def test_findings_are_set_beside_recorded_states(
    diver: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = Tiny(tmp_path / "states", tmp_path / "model", diver)
    agent = ["--agent", str(diver), "--threads", "1"]
    few = ["--fit-states", "24", "--held-out-states", "12", "--worlds", "4", "--spacing", "2"]
    assert main(["collect", *agent, *few, "-o", str(tiny.states)]) == 0
    assert main(["fit", str(tiny.states), *agent, "--iterations", "2", "-o", str(tiny.model)]) == 0
    assert main(tiny.search(tmp_path / "findings", "up")) == 0
    place, states = tmp_path / "findings" / "action-up", load_states(tiny.states)
    capsys.readouterr()
    assert main(run(diver, tmp_path, str(place), "--states", str(tiny.states), "--episodes", "1")) == 0
    found = told(capsys)
    assert found["real"]["states"] == 12
    assert found["real"]["unreadable"]["value"] == 0.0
    assert found["reading"]["error"]["value"] <= 1 / 64
    one = found["targets"]["action-up"]
    assert one["target"]["used"] == "action:up"
    assert one["all"]["states"] == 2
    assert one["real_highest"]["states"] == 2  # 5% of the 6 that findings are held against, but at least two
    findings = load_findings(place)
    highest = findings.real_indices[[np.argmax(findings.real_objective)]]
    low = bool(oxygen_shown(states.stored(highest)).is_low[0])
    assert one["real_highest"]["low"]["value"] == float(low)
    assert tell_shown(states, {})["real"] == found["real"]
    assert main(["collect", *agent, *few, "--seed", "3", "-o", str(tmp_path / "other")]) == 0
    assert main(run(diver, tmp_path / "b", str(place), "--states", str(tmp_path / "other"))) == MISUSE
    assert "was made from other states than" in capsys.readouterr().err


@pytest.mark.slow
def test_states_of_another_game_are_refused(
    diver: Path, tiny_game: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(run(diver, tmp_path, "--states", str(tiny_game.states))) == MISUSE
    assert "holds no states of seaquest" in capsys.readouterr().err
