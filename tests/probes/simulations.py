"""What every environment family promises, as checks that its own tests call."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from probes.data.simulation import Simulation, SimulationFactory

_SEEDS = (11, 12)


def _drive(simulation: Simulation, actions: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
    return [simulation.step(row).observations for row in actions]


def check_one_frame_stands_for_an_episodes_past(factory: SimulationFactory) -> None:
    simulation = factory(2)
    first = simulation.reset(_SEEDS)
    assert first.shape == (2, *simulation.layout.stored_shape)
    assert (first == first[:, :1]).all()
    simulation.step(np.zeros(2, np.int64))
    again = simulation.restart(np.array([False, True]), [12])
    assert np.array_equal(again[1], first[1])
    simulation.close()
    simulation.close()


def check_a_world_depends_on_its_seed_and_actions_alone(factory: SimulationFactory) -> None:
    pair, single = factory(2), factory(1)
    actions = np.random.default_rng(0).integers(0, len(pair.actions), (3, 2))
    start = pair.reset(_SEEDS)
    assert not np.array_equal(start[0], start[1])
    assert np.array_equal(single.reset(_SEEDS[1:]), start[1:])
    for both, alone in zip(_drive(pair, actions), _drive(single, actions[:, 1:]), strict=True):
        assert np.array_equal(both[1:], alone)
    situations = pair.situation(), single.situation()
    assert situations[0].keys() == situations[1].keys() != set()
    for name, array in situations[0].items():
        assert np.array_equal(array[1:], situations[1][name])
    pair.close()
    single.close()


def check_a_restart_leaves_the_other_worlds_as_they_are(factory: SimulationFactory) -> None:
    simulation = factory(2)
    simulation.reset(_SEEDS)
    before = simulation.step(np.zeros(2, np.int64)).observations
    situation = simulation.situation()
    after = simulation.restart(np.array([True, False]), [13])
    assert np.array_equal(before[1], after[1])
    assert not np.array_equal(before[0], after[0])
    for name, array in simulation.situation().items():
        assert np.array_equal(array[1], situation[name][1])
    simulation.close()


def check_a_situation_is_a_copy(factory: SimulationFactory) -> None:
    simulation = factory(1)
    simulation.reset(_SEEDS[:1])
    kept = simulation.situation()
    copies = {name: array.copy() for name, array in kept.items()}
    simulation.step(np.ones(1, np.int64))
    assert all(np.array_equal(kept[name], copies[name]) for name in kept)
    assert any(not np.array_equal(kept[name], array) for name, array in simulation.situation().items())
    simulation.close()


CHECKS = (
    check_one_frame_stands_for_an_episodes_past,
    check_a_world_depends_on_its_seed_and_actions_alone,
    check_a_restart_leaves_the_other_worlds_as_they_are,
    check_a_situation_is_a_copy,
)
