"""Learners of action values that are ready for their first update."""

from __future__ import annotations

import torch
from torch import nn

from drivesim.rl.dqn import QLearner
from drivesim.rl.dqn_config import DQNConfig
from drivesim.rl.q_network import QNetwork, QNetworkConfig
from tests.rl.random_frames import GRAY, TINY, RandomFrames

CONFIG = DQNConfig(
    batch_size=8, steps_per_update=16, learning_starts=32, replay_frames=4_000, target_period=64, seed=3
)


def begun(config: DQNConfig = CONFIG, num_envs: int = 4, shape: QNetworkConfig = TINY) -> QLearner:
    """Return a learner that is ready for its first update."""
    learner = QLearner(RandomFrames(num_envs), QNetwork(GRAY, shape), config)
    learner.start(config.seed)
    assert learner.collect() == []
    return learner


def weights(network: nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone().float() for parameter in network.parameters()]
