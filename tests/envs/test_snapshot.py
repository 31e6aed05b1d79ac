"""Snapshots: what is restored in mid-episode continues bit for bit, states and observations alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from drivesim.envs.snapshot import Snapshot
from drivesim.envs.vector import DrivingVectorEnv
from tests.towns import SHIPPED, changed, scenario

WORLDS = 2


def actions_of(steps: int) -> NDArray[np.int64]:
    """Draw actions, mostly the throttle."""
    return np.random.default_rng(1).choice(5, (steps, WORLDS), p=[0.1, 0.6, 0.1, 0.1, 0.1])


def run(env: DrivingVectorEnv, actions: NDArray[np.int64]) -> list[Any]:
    """Take some decisions and list all that comes back."""
    found: list[Any] = []
    for action in actions:
        observations, rewards, terminated, truncated, _ = env.step(action)
        found += [observations, rewards, terminated, truncated]
    return found


@pytest.mark.parametrize("name", SHIPPED)
def test_in_every_scenario_a_restored_snapshot_continues_bit_for_bit(name: str) -> None:
    env, other = DrivingVectorEnv(WORLDS, scenario(name)), DrivingVectorEnv(WORLDS, scenario(name))
    actions = actions_of(50)
    env.reset(seed=3)
    run(env, actions[:20])
    snapshot = env.snapshot()
    expected = run(env, actions[20:])
    assert not any(ended.any() for ended in (*expected[2::4], *expected[3::4]))
    other.reset(seed=900)
    run(other, actions[:7])
    observations, _ = other.reset(options={"state": snapshot})
    np.testing.assert_array_equal(observations, snapshot.frames)
    for ours, theirs in zip(run(other, actions[20:]), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for name_, array in env.state.plain_arrays().items():
        np.testing.assert_array_equal(other.state.plain_arrays()[name_], array)


def test_a_snapshot_is_a_copy() -> None:
    env = DrivingVectorEnv(WORLDS, "reasonable")
    env.reset(seed=3)
    snapshot = env.snapshot()
    before = snapshot.towns.copy()
    run(env, actions_of(5))
    assert snapshot.frames is not None
    assert not np.shares_memory(snapshot.frames, env.snapshot().frames)
    np.testing.assert_array_equal(snapshot.towns.ego, before.ego)


def test_towns_alone_are_enough_their_first_image_stands_for_the_past() -> None:
    env = DrivingVectorEnv(WORLDS, "reasonable")
    env.reset(seed=3)
    run(env, actions_of(30))
    snapshot = env.snapshot()
    observations, _ = env.reset(options={"state": snapshot.towns})
    assert snapshot.frames is not None
    np.testing.assert_array_equal(observations, snapshot.frames[:, -1:].repeat(4, axis=1))


def test_a_snapshot_of_another_image_format_is_refused() -> None:
    env = DrivingVectorEnv(WORLDS, "reasonable")
    env.reset(seed=3)
    taller = DrivingVectorEnv(WORLDS, changed("reasonable", camera={"height": 64}))
    with pytest.raises(ValueError, match="snapshot frames"):
        taller.reset(options={"state": env.snapshot()})
    with pytest.raises(ValueError, match="snapshot field 'cars'"):
        DrivingVectorEnv(WORLDS, "empty_road").reset(options={"state": env.snapshot()})
    assert Snapshot(env.state).frames is None


def test_a_stored_state_continues_through_the_next_episodes() -> None:
    short = changed("reasonable", sim={"episode_s": 2.0})
    env, other = DrivingVectorEnv(WORLDS, short), DrivingVectorEnv(WORLDS, short)
    actions = actions_of(70)
    env.reset(seed=3)
    run(env, actions[:20])  # the last of these ends the first episodes
    stored = env.get_state()
    expected = run(env, actions[20:])
    assert sum(int(ended.sum()) for ended in expected[3::4]) >= 2 * WORLDS
    other.reset(seed=77)
    run(other, actions[:3])
    other.set_state(stored)
    for ours, theirs in zip(run(other, actions[20:]), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_stored_state_shares_no_memory() -> None:
    env = DrivingVectorEnv(WORLDS, "reasonable")
    env.reset(seed=3)
    stored = env.get_state()
    kept = {name: array.copy() for name, array in stored.items()}
    run(env, actions_of(10))
    for name, array in stored.items():
        np.testing.assert_array_equal(array, kept[name])
