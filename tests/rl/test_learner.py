"""What an environment says about learning, and both kinds of learners as the loop sees them."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode

from drivesim.rl import a2c
from drivesim.rl.dqn import QLearner
from drivesim.rl.dqn_config import DQNConfig
from drivesim.rl.learner import LEARNING_END, Learner, ReplayLearner, check_environment, learning_ends
from drivesim.rl.networks import ActorCritic
from drivesim.rl.q_network import QNetwork
from tests.rl.catch import LAYOUT, SMALL, Catch
from tests.rl.random_frames import GRAY, TINY, RandomFrames


def test_learning_ends_where_the_environment_says_so_but_for_resets() -> None:
    valid = np.array([True, True, False])
    assert learning_ends({}, valid).tolist() == [False, False, False]
    infos = {LEARNING_END: np.array([1, 0, 1])}
    assert learning_ends(infos, valid).tolist() == [True, False, False]


def test_an_environment_says_how_it_resets() -> None:
    for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
        assert check_environment(RandomFrames(2, mode), GRAY, 3, continuous=False) is mode
    env = RandomFrames(2)
    env.metadata = {}
    assert check_environment(env, GRAY, 3, continuous=False) is AutoresetMode.NEXT_STEP
    env.single_action_space = Box(-1, 1, (2,))
    assert check_environment(env, GRAY, 2, continuous=True) is AutoresetMode.NEXT_STEP
    with pytest.raises(ValueError, match="continuous=False cannot act in Box"):
        check_environment(env, GRAY, 2, continuous=False)


def test_only_a_learner_with_a_replay_is_asked_for_it() -> None:
    config = DQNConfig(replay_frames=400)
    learners: list[Learner] = [
        a2c.Learner(Catch(2), ActorCritic(LAYOUT, SMALL), a2c.A2CConfig()),
        QLearner(RandomFrames(2), QNetwork(GRAY, TINY), config),
    ]
    assert [isinstance(learner, ReplayLearner) for learner in learners] == [False, True]
    assert all(learner.memory() for learner in learners)
