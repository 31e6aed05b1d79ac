from __future__ import annotations

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from drivesim.rl.learner import LEARNING_END
from drivesim.rl.resume import Resumable
from probes.domains.atari_consoles import ConsoleConfig
from probes.domains.atari_frames import gray_levels
from probes.domains.atari_learning import AtariLearningEnv
from probes.domains.atari_simulation import AtariSimulation


def some_actions(env: AtariLearningEnv, steps: int, seed: int = 0) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, len(env.actions), (steps, env.num_envs))


def test_learners_see_the_gray_of_what_probes_see_in_colour() -> None:
    pytest.importorskip("ale_py")
    env, simulation = AtariLearningEnv("seaquest", 2), AtariSimulation("seaquest", 2)
    gray, info = env.reset(seed=5)
    assert np.array_equal(gray, gray_levels(simulation.reset([5, 6])))
    assert env.observation_space.contains(gray)
    assert info["lives"].tolist() == [4, 4]
    for row in some_actions(env, 6):
        observations, rewards, *_ = env.step(row)
        step = simulation.step(row)
        assert np.array_equal(observations, gray_levels(step.observations))
        assert np.array_equal(rewards, step.rewards)
    env.close()
    env.close()


def test_an_ended_world_ignores_an_action_and_its_first_picture_stands_for_the_past() -> None:
    pytest.importorskip("ale_py")
    env = AtariLearningEnv(ConsoleConfig("breakout", max_frames=12), 2)
    assert env.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    env.reset(seed=1)
    cuts = []
    for _ in range(4):
        observations, rewards, terminated, truncated, info = env.step(np.ones(2, np.int64))
        cuts.append(truncated.tolist())
        assert not terminated.any()
        assert ("episode" in info) == truncated.any()
    assert cuts == [[False] * 2] * 2 + [[True] * 2] + [[False] * 2]
    assert (observations == observations[:, :1]).all()
    assert rewards.tolist() == [0.0, 0.0]


def test_a_lost_life_is_told_and_does_not_end_the_episode() -> None:
    pytest.importorskip("ale_py")
    env = AtariLearningEnv("breakout", 1)
    env.reset(seed=0)
    lives, lost_at = [5], []
    score = 0.0
    for step in range(400):
        _, rewards, terminated, _, info = env.step(np.array([step % 4 == 0], np.int64))
        score += float(rewards[0])
        if info[LEARNING_END][0]:
            lost_at.append(step)
            assert info["lives"][0] == lives[-1] - 1
            assert not terminated[0]
        lives.append(int(info["lives"][0]))
        if terminated[0]:
            break
    assert len(lost_at) == 4  # the fifth ends the game
    assert lives[-1] == 0
    assert info["episode"]["score"][0] == score
    assert info["_episode"].tolist() == [True]


def test_a_restored_environment_goes_on_bit_for_bit() -> None:
    pytest.importorskip("ale_py")
    config = ConsoleConfig("breakout", sticky=0.25, max_frames=40)
    env = AtariLearningEnv(config, 2, reseed_after=25)
    assert isinstance(env, Resumable)
    env.reset(seed=[3, None])
    rows = some_actions(env, 60)
    for row in rows[:45]:
        env.step(row)
    state = env.get_state()
    assert len(state["taken"]) < 45  # what lies before the last seeds is forgotten
    expected = [env.step(row) for row in rows[45:]]
    other = AtariLearningEnv(config, 2, reseed_after=25)
    other.set_state(state)
    found = [other.step(row) for row in rows[45:]]
    for one, two in zip(expected, found, strict=True):
        for first, second in zip(one[:4], two[:4], strict=True):
            assert np.array_equal(np.asarray(first), np.asarray(second))
        assert one[4].keys() == two[4].keys()
        assert np.array_equal(one[4]["lives"], two[4]["lives"])
    for name, array in env.get_state().items():
        assert np.array_equal(array, other.get_state()[name])


def test_what_does_not_fit_is_refused() -> None:
    pytest.importorskip("ale_py")
    env = AtariLearningEnv("freeway", 1)
    with pytest.raises(ValueError, match="options"):
        env.reset(options={"reset_mask": np.ones(1, np.bool_)})
    env.reset(seed=0)
    state = env.get_state()
    with pytest.raises(ValueError, match="expected 1 worlds"):
        env.set_state({**state, "seeds": np.zeros(2)})
    with pytest.raises(ValueError, match="does not have"):
        env.set_state({**state, "taken": np.full((1, 1), 3)})
    with pytest.raises(ValueError, match="does not have"):
        env.set_state({**state, "seeded_at": np.array([1])})
