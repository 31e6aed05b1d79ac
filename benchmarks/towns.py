"""Town states to measure on: as drivers come upon them, not made up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields

import numpy as np

from drivesim import drivers
from drivesim.envs.vector import DrivingVectorEnv
from drivesim.world.state import TownState

WARM_UP = 100
"""Decisions before the first state that is taken: everyone has left where they were put."""


def _advance(env: DrivingVectorEnv, rng: np.random.Generator, unruly: float) -> None:
    """Take one decision: the blind driver's, in a share `unruly` of the worlds anything at all."""
    controls = drivers.blind(env.state, env.tables)
    is_unruly = rng.random(env.num_envs) < unruly
    wild = rng.uniform([0.0, 0.0, -0.3], [1.0, 0.3, 0.3], (env.num_envs, 3))
    env.step_controls(np.where(is_unruly[:, None], wild, controls))


def _states(
    scenario: str, worlds: int, seed: int, unruly: float, wait: Callable[[np.random.Generator], int]
) -> Iterator[TownState]:
    rng = np.random.default_rng(seed)
    env = DrivingVectorEnv(worlds, scenario, "none")
    try:
        env.reset(seed=seed)
        for _ in range(WARM_UP):
            _advance(env, rng, unruly)
        while True:
            yield env.state.copy()
            for _ in range(wait(rng)):
                _advance(env, rng, unruly)
    finally:
        env.close()


def join(states: Sequence[TownState]) -> TownState:
    """Return all worlds of several states as one batch."""
    arrays = {f.name: np.concatenate([getattr(s, f.name) for s in states]) for f in fields(TownState)}
    return TownState(**arrays)


def drive_through(scenario: str, decisions: int, seed: int) -> TownState:
    """Return consecutive states of one town, as a batch of `decisions` worlds."""
    states = _states(scenario, 1, seed, 0.0, lambda rng: 1)  # noqa: ARG005
    return join([next(states) for _ in range(decisions)])


def random_states(scenario: str, count: int, seed: int) -> TownState:
    """Return states of different towns at different times, half of whose drivers are unruly.

    Args:
        scenario: a shipped name.
        count: how many, a multiple of 50.
        seed: of the towns and the driving.
    """
    assert count % 50 == 0
    states = _states(scenario, 50, seed, 0.25, lambda rng: int(rng.integers(20, 60)))
    return join([next(states) for _ in range(count // 50)])
