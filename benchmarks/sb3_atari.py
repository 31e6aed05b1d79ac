"""The peers of `atari-dqn` and `atari-a2c`: stable-baselines3's learners on the same games.

They play through SB3's own wrappers, as its users have it, or see the stacks of our environment. They bring
their own Nature CNN, which has the layers of ours. As in `sb3.py` SB3 is given channels-last convolutions,
and on our worlds takes the ignored actions of an autoreset for transitions; rewards are not clipped there,
which costs no time.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import A2C, DQN
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack

from benchmarks.sb3 import WorldsForSB3, make_a2c, require_same_size
from drivesim.rl.a2c import A2CConfig
from drivesim.rl.dqn_config import DQNConfig
from drivesim.rl.networks import ActorCritic
from drivesim.rl.q_network import QNetwork
from probes.domains.atari import emulator
from probes.domains.atari_frames import STACK
from probes.domains.atari_learning import AtariLearningEnv

BATCH = 32
"""States of a gradient step, as Mnih et al. (2015) and SB3 have it."""


def gradient_steps(config: DQNConfig, num_envs: int) -> int:
    """Return how many gradient steps follow a step of all environments, for as many states a step as ours.

    Raises:
        ValueError: that is no whole number.
    """
    steps, rest = divmod(config.batch_size * num_envs, config.steps_per_update * BATCH)
    if rest or not steps:
        raise ValueError(
            f"{config.batch_size} states every {config.steps_per_update} steps of {num_envs} environments "
            f"are no whole number of batches of {BATCH} after each"
        )
    return steps


def as_worlds(env: AtariLearningEnv) -> WorldsForSB3:
    """Return an environment as SB3 wants it, stacks (4, 84, 84) as they are."""

    def look(observations: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return observations

    return WorldsForSB3(env, env.single_observation_space, look)


def own_worlds(env_id: str, num_envs: int) -> VecEnv:
    """Return a game behind SB3's own wrappers, such as `PongNoFrameskip-v4`, its worlds one after another."""
    emulator()  # names the games to gymnasium
    return VecFrameStack(make_atari_env(env_id, n_envs=num_envs, seed=0), STACK)


def make_a2c_peer(worlds: VecEnv, network: ActorCritic, config: A2CConfig) -> A2C:
    """Return SB3's A2C, set up as `config` says, with a policy of as many parameters as `network`."""
    model = make_a2c(worlds, config, {})
    require_same_size(network, model.policy)
    return model


def make_dqn_peer(worlds: VecEnv, network: QNetwork, config: DQNConfig) -> DQN:
    """Return SB3's DQN, set up as `config` says, with action values of as many parameters as `network`.

    It knows neither double Q-learning nor, in its older releases, returns of several steps.
    """
    model = DQN(
        "CnnPolicy",
        worlds,
        learning_rate=config.learning_rate,
        buffer_size=config.replay_frames,
        learning_starts=config.learning_starts,
        batch_size=BATCH,
        gamma=config.discount,
        train_freq=1,
        gradient_steps=gradient_steps(config, worlds.num_envs),
        target_update_interval=config.target_period,
        exploration_initial_eps=config.epsilon_start,
        exploration_final_eps=config.epsilon_end,
        max_grad_norm=config.max_gradient_norm,
        seed=config.seed,
        device="cpu",
    )
    model.policy.to(memory_format=torch.channels_last)
    require_same_size(network, model.q_net)
    return model
