from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from probes.domains.atari_frames import LAYOUT
from probes.domains.atari_simulation import AtariSimulation
from probes.domains.seaquest import DEPTH, DYING, GAME, OXYGEN, SURFACE
from probes.domains.seaquest_oxygen import (
    COLUMNS,
    READABLE,
    ROWS,
    bars,
    check_reading,
    describe,
    oxygen_remembered,
    oxygen_shown,
)

Bytes = NDArray[np.uint8]


@cache
def recorded() -> tuple[Bytes, Bytes]:
    """Play at random, the oxygen set to any level every so often; return states and memories."""
    pytest.importorskip("ale_py")
    rng, simulation = np.random.default_rng(5), AtariSimulation(GAME, 4)
    simulation.reset(range(4))
    stored, memories = [], []
    for decision in range(240):
        memory = simulation.ram()
        is_diving = (memory[:, DEPTH] > SURFACE) & (memory[:, DYING] == 0)
        if decision % 9 == 0:
            simulation.set_ram(OXYGEN, int(rng.integers(1, 60)), is_diving)
        # Down and fire, mostly: those who come up are lost.
        actions = np.where(rng.random(4) < 0.6, simulation.actions.index("downfire"), rng.integers(0, 18, 4))
        step = simulation.step(actions)
        if step.ended.any():
            simulation.restart(step.ended, rng.integers(0, 9999, step.ended.sum()).tolist())
        elif decision % 3 == 0:
            stored.append(step.observations)
            memories.append(simulation.ram())
    return np.concatenate(stored), np.concatenate(memories)


def test_the_oxygen_of_recorded_states_is_read_to_one_unit() -> None:
    stored, memory = recorded()
    reading, known = oxygen_shown(stored), oxygen_remembered(memory)
    assert np.abs(reading.share - known.share).max() <= 1 / 64
    assert reading.misfit.max() < 0.01
    low = known.share <= 0.25
    assert 0.1 < low.mean() < 0.9
    assert reading.is_low.tolist() == low.tolist()


def test_the_submarine_is_seen_where_it_is_under_water() -> None:
    stored, memory = recorded()
    seen, known = oxygen_shown(stored).is_diving, oxygen_remembered(memory).is_diving
    assert 0.2 < known.mean() < 0.95
    # Between two pictures it may leave the surface, or be lost.
    assert (seen == known).mean() > 0.93
    deep = known & (memory[:, DEPTH] > SURFACE + 12)
    assert seen[deep].all()


def test_the_check_by_memory_says_the_same() -> None:
    told = check_reading(*recorded())
    assert told is not None
    assert 0 <= told["error"]["value"] <= 1 / 64
    assert told["low_right"]["value"] == 1.0
    assert told["danger_right"]["value"] > 0.93


def drawn(bar: NDArray[np.float64]) -> Bytes:
    """Return a state (1, T, 3, 84, 84) whose newest frame shows a bar (3, W)."""
    stored = np.zeros((1, *LAYOUT.stored_shape), np.uint8)
    stored[:, -1, :, ROWS, COLUMNS] = bar.round().astype(np.uint8)[:, None]
    return stored


def bar_of(oxygen: int) -> NDArray[np.float64]:
    picture: NDArray[np.float64] = bars().pictures[oxygen]
    return picture


def test_a_bar_that_blinks_is_read_in_both_phases_and_in_their_mean() -> None:
    of_ten = bars().pictures[bars().oxygen == 10]
    assert len(of_ten) == 3
    for bar in of_ten:
        assert oxygen_shown(drawn(bar)).share.tolist() == [10 / 64]
    assert len(bars().pictures[bars().oxygen == 17]) == 1


def test_a_smeared_edge_is_read_but_less_surely_and_no_edge_is_not() -> None:
    sharp = oxygen_shown(drawn(bar_of(30)))
    soft = oxygen_shown(drawn(np.mean([bar_of(level) for level in range(25, 36)], axis=0)))
    none = oxygen_shown(drawn(np.mean([bar_of(level) for level in range(64)], axis=0)))
    assert sharp.misfit[0] < 0.01 < soft.misfit[0] <= READABLE < none.misfit[0]
    assert soft.share[0] == pytest.approx(30 / 64, abs=1 / 64)
    assert none.is_read.tolist() == [False]
    # sqrt(w / 12) of an edge that is smeared over all of the bar
    assert none.misfit[0] == pytest.approx(np.sqrt(1 / 12), abs=0.02)


def test_only_the_newest_frame_counts() -> None:
    stored = drawn(bar_of(50))
    stored[:, :-1] = drawn(bar_of(5))[:, -1:]
    assert oxygen_shown(stored).share.tolist() == [50 / 64]


def test_unreadable_states_are_counted_apart() -> None:
    stored = np.concatenate([drawn(bar_of(level)) for level in (5, 40, 50)] + [drawn(np.full((3, 33), 9.0))])
    told = describe(stored)
    assert told is not None
    assert told["states"] == 4
    assert told["unreadable"]["value"] == 0.25
    assert (told["low"]["value"], told["low"]["n"]) == (1 / 3, 3)
    assert told["danger"]["value"] == told["diving"]["value"] == 0.0
    assert told["oxygen"]["value"] == pytest.approx(95 / 3 / 64)


def test_low_oxygen_counts_as_danger_where_the_submarine_is_under_water() -> None:
    stored = np.concatenate([drawn(bar_of(5)), drawn(bar_of(50))])
    stored[:, -1, :, 40:43, 30:36] = np.array([187, 187, 53], np.uint8)[:, None, None]
    told = describe(stored)
    assert told is not None
    assert told["diving"]["value"] == 1.0
    assert told["danger"]["value"] == 0.5


def test_of_no_states_nothing_is_told() -> None:
    nothing = np.zeros((0, *LAYOUT.stored_shape), np.uint8)
    assert describe(nothing) is None
    assert check_reading(nothing, np.zeros((0, 128), np.uint8)) is None
    blank = describe(np.zeros((2, *LAYOUT.stored_shape), np.uint8))
    assert blank is not None
    assert blank["unreadable"]["value"] == 1.0
    assert blank["low"] is blank["oxygen"] is None
