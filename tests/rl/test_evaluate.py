"""Acting with a network."""

from __future__ import annotations

import numpy as np
import torch

from drivesim.rl.evaluate import Policy, act
from drivesim.rl.networks import ActorCritic, ActorCriticConfig
from tests.rl.catch import LAYOUT, SMALL, Catch


def test_a_deterministic_policy_takes_the_likeliest_action() -> None:
    network = ActorCritic(LAYOUT, SMALL)
    observations, _ = Catch(7).reset(seed=0)
    expected = network.head(network.prepare(observations)).policy.argmax(dim=1).numpy()
    np.testing.assert_array_equal(Policy(network, deterministic=True)(observations), expected)
    assert act(network, observations).dtype == np.int64


def test_a_drawing_policy_repeats_itself_with_its_seed() -> None:
    network = ActorCritic(LAYOUT, SMALL)
    observations, _ = Catch(50).reset(seed=0)
    draws = [Policy(network, seed=seed)(observations).tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]
    assert set(draws[0]) == {0, 1, 2}


def test_a_continuous_policy_returns_its_mean() -> None:
    network = ActorCritic(LAYOUT, ActorCriticConfig(actions=2, continuous=True, convolutions=(), hidden=8))
    with torch.no_grad():
        network.policy.weight.zero_()
        network.policy.bias.copy_(torch.tensor([0.25, -1.0]))
    observations, _ = Catch(3).reset(seed=0)
    assert act(network, observations).tolist() == [[0.25, -1.0]] * 3
