from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

import probes

pytest.importorskip("ale_py")

from drivesim.rl.checkpoint import AGENT
from probes.agents import EVALUATION
from probes.artifacts.provenance import commit_of
from probes.cli import MISUSE, main
from probes.cli.ship_agent import summaries
from probes.data.episodes import Episodes
from probes.domains.registry import load_agent
from tests.probes.cli.conftest import told
from tests.probes.game_agents import write_game_agent

LOG = [
    {"step": 100 * i, "time_s": float(i), "mean_return": i / 2, "value_loss": 1 / i, "mean_value": 0.5}
    for i in range(1, 9)
]


def write_run(path: Path, log: Sequence[Mapping[str, float]] = LOG) -> Path:
    """Write what `probes train` leaves: an agent that has learned nothing, and a log."""
    write_game_agent(path / AGENT)
    (path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log))
    return path


def test_an_agent_is_kept_with_its_curve_and_with_held_out_games(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_run(tmp_path / "freeway-dqn")
    arguments = ["ship-agent", str(run), "--episodes", "2", "--threads", "1", "--json"]
    assert main([*arguments, "-o", str(tmp_path / "shipped")]) == 0
    kept = tmp_path / "shipped" / "freeway-dqn"
    scores = told(capsys)["scores"]
    assert list(scores) == ["agent", "always noop", "always up", "always down"]
    evaluation = json.loads((kept / EVALUATION).read_text())
    assert evaluation["scores"] == scores
    assert evaluation["command"].startswith("probes ship-agent")
    assert evaluation["commit"] == commit_of(Path(probes.__file__).parent)._asdict()
    episodes = Episodes.from_json(evaluation["episodes"]["always up"])
    assert episodes.seeds.tolist() == [1_000_000, 1_000_001]
    assert scores["always up"]["score"]["value"] == episodes.returns.mean() > 15
    curve = [json.loads(line) for line in (kept / "curve.jsonl").read_text().splitlines()]
    assert [line["mean_return"] for line in curve] == [line["mean_return"] for line in LOG]
    picture = cv2.imread(str(kept / "curve.png"))
    assert picture is not None
    assert picture.shape == (260, 3 * 420, 3)
    assert load_agent(str(kept)).digest == load_agent(str(run)).digest


@pytest.mark.slow
def test_the_picture_has_no_panel_of_what_a_run_does_not_log(tmp_path: Path) -> None:
    log = [{key: value for key, value in line.items() if key != "mean_value"} for line in LOG]
    arguments = ["ship-agent", str(write_run(tmp_path / "a", log)), "--episodes", "1", "--threads", "1"]
    assert main([*arguments, "-o", str(tmp_path / "shipped")]) == 0
    picture = cv2.imread(str(tmp_path / "shipped" / "a" / "curve.png"))
    assert picture is not None
    assert picture.shape == (260, 2 * 420, 3)
    assert all((panel < 255).any() for panel in np.split(picture, 2, axis=1))


def test_actions_alone_may_play_fewer_games(tmp_path: Path) -> None:
    run = write_run(tmp_path / "freeway-dqn")
    arguments = ["ship-agent", str(run), "--episodes", "2", "--constant-episodes", "1", "--threads", "1"]
    assert main([*arguments, "-o", str(tmp_path / "shipped")]) == 0
    games = json.loads((tmp_path / "shipped" / "freeway-dqn" / EVALUATION).read_text())["episodes"]
    assert {name: each["seeds"] for name, each in games.items()} == {
        "agent": [1_000_000, 1_000_001],
        **{f"always {name}": [1_000_000] for name in ("noop", "up", "down")},
    }


def test_games_that_are_the_same_are_counted_once() -> None:
    columns = {"seeds": [1, 2, 3], "returns": [4, 4, 4], "lengths": [9, 9, 8], "endings": ["over"] * 3}
    told = summaries({"agent": Episodes.from_json({**columns, "distances": [1, 1, 1]})})["agent"]
    assert told["different"] == 2
    assert told["score"] == {"value": 4.0, "low": 4.0, "high": 4.0, "n": 3}
    assert told["endings"] == {"over": 3}


def test_a_run_without_an_agent_is_refused_and_nothing_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").mkdir()
    assert main(["ship-agent", str(tmp_path / "run"), "-o", str(tmp_path / "shipped")]) == MISUSE
    assert "holds no agent; allowed is a run that has saved one" in capsys.readouterr().err
    assert not (tmp_path / "shipped").exists()


def test_an_agent_that_drives_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from drivesim.agents import agents_directory

    run = tmp_path / "run"
    run.mkdir()
    (run / AGENT).symlink_to(agents_directory() / "reasonable-seg4")
    assert main(["ship-agent", str(run), "-o", str(tmp_path / "shipped")]) == MISUSE
    assert "ship it by `drivesim ship`" in capsys.readouterr().err
    assert list((tmp_path / "shipped").iterdir()) == []
