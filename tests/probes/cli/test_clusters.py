from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from probes.cli import MISUSE, main
from probes.cli.clusters import _caption
from tests.probes.cli.conftest import Tiny, told

pytestmark = pytest.mark.slow


def test_findings_are_clustered_and_drawn(
    tiny: Tiny, searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "clusters"
    arguments = ["clusters", str(searched), "--states", str(tiny.states), "--json", "-o", str(output)]
    assert main(arguments) == 0
    first = told(capsys)
    one = first["targets"]["t-plus-minus"]
    assert one["findings"] == 2
    assert sum(len(cluster["members"]) for cluster in one["clusters"]) == 2
    assert one["found"] == len(one["clusters"])
    assert one["cut"]["seconds"] == 1.0  # five times two decisions, of ten a second
    labels = json.loads((output / "result.json").read_text())["targets"]["t-plus-minus"]["labels"]
    assert len(labels) == 2
    assert cv2.imread(str(output / "t-plus-minus.png")) is not None
    assert main(arguments) == 0
    again = capsys.readouterr()
    assert "up to date" in again.err
    assert json.loads(again.out) == first


def test_a_games_findings_are_clustered_too(
    tiny_game: Tiny, searched_game: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--states", str(tiny_game.states), "--agent", str(tiny_game.agent), "--threads", "1", "--json"]
    assert main(["clusters", str(searched_game), *given, "-o", str(tmp_path / "c")]) == 0
    one = told(capsys)["targets"]["t-minus"]
    assert one["findings"] == 2
    assert {cluster["apart"] for cluster in one["clusters"]} == {""}
    assert cv2.imread(str(tmp_path / "c" / "t-minus.png")) is not None


def test_findings_of_another_agent_are_refused(
    tiny: Tiny, searched: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["clusters", str(searched), "--states", str(tiny.states), "-o", str(tmp_path / "c")]
    assert main([*arguments, "--random-weights", "3"]) == MISUSE
    error = capsys.readouterr().err
    assert "were searched for agent 'reasonable-seg4', not for 'reasonable-seg4-random-3'" in error
    assert not (tmp_path / "c").exists()


def test_unstable_clusters_are_said_to_be_so() -> None:
    result = {
        "cut": {"distance": 0.5, "told": 0.6, "seconds": 1.0},
        "stability": {"value": 0.3, "low": 0.1, "high": 0.6, "n": 200},
        "stable": "poor",
        "recorded": {"value": 7.1, "low": 4.0, "high": 12.3, "n": 24},
        "found": 9,
        "clusters": [{}] * 8,
        "copies": 3,
    }
    said = _caption(result)
    assert "poor, adjusted Rand 0.30 [0.10, 0.60]; read them as examples, not as kinds" in said
    assert "near-copies of other findings: 3; clusters not shown: 1" in said
    assert "as examples" not in _caption({**result, "stable": "good"})
    assert "as many recorded states form 7 [4, 12] clusters" in said
    assert "recorded states form" not in _caption({**result, "recorded": None})
    assert "too few findings to tell" in _caption({**result, "stability": None, "stable": None})
