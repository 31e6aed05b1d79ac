from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks import atari_emulator
from benchmarks.atari_emulator import CONFIG, BothImages, Size, measure, native_gray
from probes.domains.atari_consoles import ConsoleConfig
from probes.domains.atari_learning import AtariLearningEnv
from probes.domains.atari_simulation import AtariSimulation


def test_one_pass_gives_what_state_models_and_what_agents_see_also_after_an_ending() -> None:
    pytest.importorskip("ale_py")
    config = ConsoleConfig("breakout", max_frames=12)
    both, learning, simulation = (
        BothImages(config, 2),
        AtariLearningEnv(config, 2),
        AtariSimulation(config, 2),
    )
    colour, gray = both.reset(5)
    assert np.array_equal(colour, simulation.reset([5, 6]))
    assert np.array_equal(gray, learning.reset(seed=5)[0])
    for step in range(5):
        colour, gray = both.step(np.ones(2, np.int64))
        assert np.array_equal(gray, learning.step(np.ones(2, np.int64))[0])
        if step < 2:
            assert np.array_equal(colour, simulation.step(np.ones(2, np.int64)).observations)
    assert not (colour == colour[:, :1]).all()
    for env in (both, learning, simulation):
        env.close()


def test_the_peer_plays_the_same_game_and_its_gray_is_near_ours() -> None:
    pytest.importorskip("ale_py")
    both, native = BothImages(CONFIG, 2), native_gray(CONFIG, 2)
    both.reset(3)
    native.reset(seed=np.array([3, 4]))
    for row in np.random.default_rng(0).integers(0, 6, (8, 2)):
        _, gray = both.step(row)
        theirs = native.step(row)[0]
    assert gray.shape == theirs.shape == (2, 4, 84, 84)
    assert gray.std() > 10
    assert np.abs(gray.astype(np.int64) - theirs).mean() < 0.5
    both.close()
    native.close()


def test_the_row_compares_costs_and_meets_its_bar_up_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Turn by turn the peer is 1.25 and 1.35 times as fast as ours: its median ratio is 1.3.
    found = {
        "ours": [1_000.0, 2_000.0],
        "peer": [1_250.0, 2_700.0],
        "simulation": [1_250.0, 2_700.0],
        "learning": [2_500.0, 5_400.0],
    }
    monkeypatch.setattr(atari_emulator, "rates", lambda _: found)
    row = measure().as_json()
    assert (row["row"], row["unit"], row["is_met"]) == ("atari-emulator", "us/decision", True)
    assert row["ours"] == pytest.approx(1e6 / 1_500, rel=1e-5)
    assert row["ratio_peer"] == pytest.approx(1.3)
    assert row["ratio_peer_gray_alone"] == pytest.approx(0.5)
    found["ours"] = [900.0, 1_900.0]
    assert not measure().is_met


def test_every_contestant_takes_every_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ale_py")
    units: list[float] = []

    def rates_in_turns(contestants: dict[str, Any], repeats: int) -> dict[str, list[float]]:
        units.extend(work() for work in contestants.values())
        return {name: [float(repeats)] for name in contestants}

    monkeypatch.setattr(atari_emulator, "rates_in_turns", rates_in_turns)
    monkeypatch.setattr(atari_emulator, "CONFIG", ConsoleConfig("pong", max_frames=12))
    found = atari_emulator.rates(Size(worlds=2, steps=5, repeats=3))
    assert units == [10, 10, 10, 10]
    assert found == {name: [3.0] for name in ("ours", "peer", "simulation", "learning")}
