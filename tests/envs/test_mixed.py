"""Several scenarios in one batch: each world as if alone, infos joined, states restored bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from drivesim.envs.episodes import HELD_OUT
from drivesim.envs.mixed import MixedVectorEnv, joined
from drivesim.envs.vector import DrivingVectorEnv
from drivesim.scenario.schema import Scenario
from tests.towns import changed

SMALL = {"camera": {"width": 32, "height": 32}}
LONG = changed("reasonable", sim={"episode_s": 2.0}, **SMALL)
SHORT = changed("crossing_trigger", sim={"episode_s": 1.0}, **SMALL)
WORLDS = (2, 1, 3)
SCENARIOS = (LONG, SHORT, LONG)


def mixed(mode: AutoresetMode = AutoresetMode.NEXT_STEP) -> MixedVectorEnv:
    """Make six towns: two whose episodes last twenty decisions, one of ten, three of twenty."""
    parts = zip(WORLDS, SCENARIOS, strict=True)
    return MixedVectorEnv([DrivingVectorEnv(n, plan, autoreset_mode=mode) for n, plan in parts])


def actions_of(steps: int, worlds: int = 6) -> NDArray[np.int64]:
    return np.random.default_rng(1).choice(5, (steps, worlds), p=[0.1, 0.6, 0.1, 0.1, 0.1])


def run(env: Any, actions: NDArray[np.int64]) -> list[Any]:
    """Take some decisions and list all arrays that come back."""
    found: list[Any] = []
    for action in actions:
        *arrays, info = env.step(action)
        found += [*arrays, info["ending"], info["outcome"], *info["reward"].values()]
    return found


def test_each_world_drives_as_it_would_alone_with_its_own_seed() -> None:
    env, actions = mixed(), actions_of(25)
    first, _ = env.reset(seed=HELD_OUT - 2)
    together = run(env, actions)
    assert first in env.observation_space
    seeds = [HELD_OUT - 2, HELD_OUT - 1, 0, 1, 2, 3]  # counted through the parts, never a held-out one
    plans: list[Scenario] = [LONG, LONG, SHORT, LONG, LONG, LONG]
    for n, (seed, plan) in enumerate(zip(seeds, plans, strict=True)):
        alone = DrivingVectorEnv(1, plan)
        observations, _ = alone.reset(seed=seed)
        np.testing.assert_array_equal(observations[0], first[n])
        for ours, theirs in zip(run(alone, actions[:, n : n + 1]), together, strict=True):
            np.testing.assert_array_equal(ours[0], theirs[n])


def test_episodes_of_every_part_are_reported_in_their_places() -> None:
    env = mixed()
    env.reset(seed=0)
    infos = [env.step(np.zeros(6, np.int64))[4] for _ in range(20)]
    assert [k for k, info in enumerate(infos) if "episode" in info] == [9, 19]
    early, late = infos[9], infos[19]
    assert early["_episode"].tolist() == [False, False, True, False, False, False]
    assert early["episode"]["length"].tolist() == [0, 0, 10, 0, 0, 0]
    assert early["ending"].tolist() == ["none", "none", "time", "none", "none", "none"]
    assert late["_episode"].tolist() == [True, True, False, True, True, True]
    assert late["episode"]["length"][late["_episode"]].tolist() == [20] * 5


def test_with_same_step_the_final_observations_of_a_part_are_handed_on() -> None:
    env = mixed(AutoresetMode.SAME_STEP)
    env.reset(seed=0)
    for _ in range(10):
        observations, *_, info = env.step(np.ones(6, np.int64))
    assert info["_final_obs"].tolist() == [False, False, True, False, False, False]
    assert info["final_obs"].shape == observations.shape
    assert (info["final_obs"][2] != observations[2]).any()


def test_a_stored_state_continues_bit_for_bit_through_the_next_episodes() -> None:
    env, other, actions = mixed(), mixed(), actions_of(50)
    env.reset(seed=3)
    run(env, actions[:20])  # the last of these ends episodes
    stored = env.get_state()
    expected = run(env, actions[20:])
    other.reset(seed=900)
    run(other, actions[:3])
    other.set_state(stored)
    for ours, theirs in zip(run(other, actions[20:]), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_state_of_other_parts_is_refused() -> None:
    env = mixed()
    env.reset(seed=0)
    stored = env.get_state()
    with pytest.raises(ValueError, match="the state is of 2 parts, allowed is 3"):
        env.set_state({name: a for name, a in stored.items() if not name.startswith("2.")})
    with pytest.raises(KeyError):
        env.set_state({name: a for name, a in stored.items() if name != "1.needs_reset"})
    uneven = MixedVectorEnv([DrivingVectorEnv(n, p) for n, p in zip((1, 2, 3), SCENARIOS, strict=True)])
    with pytest.raises(ValueError):
        uneven.set_state(stored)


def test_a_reset_without_a_seed_goes_on_with_the_worlds_own_seeds() -> None:
    env, other = mixed(), mixed()
    for each in (env, other):
        each.reset(seed=5)
        each.reset()
    seeds, others = (np.concatenate([p.state.town["seed"] for p in e.parts]) for e in (env, other))
    assert seeds.tolist() == others.tolist()
    assert not set(seeds.tolist()) & set(range(5, 11))


def test_infos_are_joined_with_zeros_where_a_part_says_nothing() -> None:
    parts: list[dict[str, Any]] = [
        {"a": np.array([1.5]), "in": {"b": np.array([[1, 2]])}},
        {"a": np.array([2.5, 3.5])},
        {"a": np.array([4.5]), "_c": np.array([True])},
    ]
    found = joined(parts, [1, 2, 1])
    assert found["a"].tolist() == [1.5, 2.5, 3.5, 4.5]
    assert found["in"]["b"].tolist() == [[1, 2], [0, 0], [0, 0], [0, 0]]
    assert found["_c"].tolist() == [False, False, False, True]


def test_parts_that_differ_or_do_not_reset_themselves_are_refused() -> None:
    with pytest.raises(ValueError, match="allowed is at least one"):
        MixedVectorEnv([])
    small = DrivingVectorEnv(1, LONG, "none")
    with pytest.raises(ValueError, match="single_observation_space of 'reasonable'"):
        MixedVectorEnv([small, DrivingVectorEnv(1, "reasonable", "none")])
    continuous = changed("reasonable", actions="continuous", **SMALL)
    with pytest.raises(ValueError, match="single_action_space of 'reasonable'"):
        MixedVectorEnv([small, DrivingVectorEnv(1, continuous, "none")])
    with pytest.raises(ValueError, match="autoreset_mode of 'reasonable'"):
        MixedVectorEnv([small, DrivingVectorEnv(1, LONG, "none", autoreset_mode=AutoresetMode.SAME_STEP)])
    with pytest.raises(ValueError, match="found DISABLED"):
        MixedVectorEnv([DrivingVectorEnv(1, LONG, "none", autoreset_mode=AutoresetMode.DISABLED)])
    with pytest.raises(ValueError, match=r"options: found \['state'\]"):
        MixedVectorEnv([small]).reset(options={"state": None})


def test_pictures_are_one_per_world_and_closing_twice_is_harmless() -> None:
    env = MixedVectorEnv([DrivingVectorEnv(n, LONG, render_mode="rgb_array") for n in (1, 2)])
    env.reset(seed=0)
    assert len(env.render()) == 3
    env.close()
    env.close()
