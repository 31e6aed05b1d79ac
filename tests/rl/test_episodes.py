"""Averages over ended episodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.rl.episodes import EpisodeStatistics

ALL = np.array([True, True])
NONE = np.array([False, False])
FIRST = np.array([True, False])


def rewards(*values: float) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


def test_return_and_length_are_those_of_the_episodes_that_ended() -> None:
    statistics = EpisodeStatistics(2)
    statistics.observe(rewards(1, 5), ALL, NONE, {})
    statistics.observe(rewards(2, 5), ALL, FIRST, {})
    assert statistics.summary() == {"episodes": 1, "mean_return": 3.0, "mean_length": 2.0}
    assert statistics.returns.tolist() == [0.0, 10.0]


def test_a_step_that_only_resets_counts_for_nothing() -> None:
    statistics = EpisodeStatistics(2)
    statistics.observe(rewards(7, 1), np.array([False, True]), NONE, {})
    assert statistics.returns.tolist() == [0.0, 1.0]
    assert statistics.lengths.tolist() == [0, 1]


def test_a_summary_without_episodes_has_no_averages() -> None:
    assert EpisodeStatistics(2).summary() == {"episodes": 0, "mean_return": None, "mean_length": None}


@pytest.mark.parametrize("is_nested", [False, True])
def test_numbers_the_environment_reports_are_averaged_over_the_mask(is_nested: bool) -> None:
    episode = {"speed": np.array([4.0, 9.0]), "hit": FIRST, "_speed": ALL, "why": np.array(["a", "b"])}
    infos: dict[str, Any] = {"episode": episode, "_episode": FIRST}
    statistics = EpisodeStatistics(2)
    statistics.observe(rewards(0, 0), ALL, FIRST, {"final_info": infos} if is_nested else infos)
    summary = statistics.summary()
    assert summary["episode/speed"] == 4.0
    assert summary["episode/hit"] == 1.0
    assert not any("why" in name or "_speed" in name for name in summary)
