from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from benchmarks.planted_scores import Asked, draw_scores, judged
from probes.statistics import Estimate


def agent(is_flawed: bool, seed: int, score: float, hits: float, is_calibration: bool = False) -> Asked:
    known = [Estimate(value, value * 0.9, value * 1.1, 128) for value in (score, hits)]
    return Asked(is_flawed, seed, known[0], "unaware", known[1], is_calibration)


FLAWED = [agent(True, n, 0.01 * n, 3.0 + n) for n in range(1, 6)]
SOUND = [agent(False, n, 0.10 + 0.01 * n, 1.0 + 0.1 * n) for n in range(1, 6)]
CALIBRATION = [agent(True, 6, 0.02, 3.0, True), agent(False, 6, 0.10, 1.0, True)]


def test_scores_that_do_not_overlap_are_told_apart_and_their_labels_confirmed() -> None:
    found = judged(FLAWED + SOUND + CALIBRATION)
    assert found["auroc"]["value"] == 1.0
    assert found["p"] == pytest.approx(1 / 252)  # of the ways to choose five of ten, one
    assert found["threshold"] == pytest.approx(0.06)
    assert found["right"]["value"] == 1.0
    assert found["labels_confirmed"]
    assert found["is_met"]


def test_a_calibration_agent_counts_for_the_threshold_alone() -> None:
    moved = [agent(True, 6, 0.30, 0.1, True), CALIBRATION[1]]
    found = judged(FLAWED + SOUND + moved)
    assert found["auroc"]["value"] == 1.0
    assert found["threshold"] == pytest.approx(0.2)
    assert found["right"]["value"] == 0.5
    assert found["labels_confirmed"]


def test_an_agent_on_the_wrong_side_costs_area() -> None:
    found = judged([*FLAWED[:4], agent(True, 5, 0.5, 8.0), *SOUND, *CALIBRATION])
    assert found["auroc"]["value"] == pytest.approx(0.8)
    assert found["right"]["value"] == pytest.approx(0.9)
    assert not found["is_met"]


def test_a_flawed_agent_that_hits_as_few_as_sound_ones_leaves_the_labels_unconfirmed() -> None:
    found = judged([*FLAWED[:4], agent(True, 5, 0.05, 1.5), *SOUND, *CALIBRATION])
    assert found["auroc"]["value"] == 1.0
    assert not found["labels_confirmed"]
    assert not found["is_met"]
    assert "not confirmed" in " ".join(found["words"])


def test_agents_of_one_kind_alone_are_refused() -> None:
    with pytest.raises(ValueError, match="no agent of some kind"):
        judged([*FLAWED, *CALIBRATION])


def test_the_picture_shows_every_agent(tmp_path: Path) -> None:
    agents = [*FLAWED, *SOUND, *CALIBRATION]
    blind = Estimate(9.0, 8.0, 10.0, 90)
    draw_scores(agents, 0.06, blind, tmp_path / "a.png")
    draw_scores([replace(one, score=FLAWED[0].score) for one in agents], 0.06, blind, tmp_path / "b.png")
    one, other = (cv2.imread(str(tmp_path / name)) for name in ("a.png", "b.png"))
    assert one is not None
    assert other is not None
    assert one.std() > 10
    assert one.shape != other.shape or (one != other).any()
