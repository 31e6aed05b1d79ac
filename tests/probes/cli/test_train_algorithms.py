from __future__ import annotations

import argparse
from dataclasses import fields

import pytest

from drivesim.rl.a2c import A2CConfig
from drivesim.rl.acktr import ACKTRConfig
from drivesim.rl.dqn_config import DQNConfig
from drivesim.rl.networks import ActorCritic
from drivesim.rl.q_network import QNetwork
from probes.agent import ProbeError
from probes.cli.train_algorithms import (
    ALGORITHMS,
    SETTINGS,
    actor_critic,
    add_settings,
    given_settings,
    narrow_actor_critic,
    q_network,
)


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--algo", default="dqn")
    add_settings(parser)
    return parser.parse_args(arguments)


def test_nothing_is_given_unless_it_is() -> None:
    assert given_settings(parsed()) == {}
    assert given_settings(parsed("--algo", "a2c", "--num-steps", "5")) == {"num_steps": 5}
    assert given_settings(parsed("--single", "--plain-head")) == {"is_double": False, "is_duelling": False}


def test_every_setting_is_of_some_algorithm_and_refused_by_the_others() -> None:
    configs = {"dqn": DQNConfig, "a2c": A2CConfig, "acktr": ACKTRConfig}
    assert configs.keys() == ALGORITHMS.keys()
    for name, setting in SETTINGS.items():
        arguments = [setting.option] if setting.type is None else [setting.option, "1"]
        knowing = 0
        for algo, config in configs.items():
            if name in {field.name for field in fields(config)} | ALGORITHMS[algo].shape:
                assert name in given_settings(parsed("--algo", algo, *arguments))
                knowing += 1
            else:
                with pytest.raises(ProbeError, match=f"found {setting.option} with --algo {algo}"):
                    given_settings(parsed("--algo", algo, *arguments))
        assert knowing


def test_networks_have_the_shapes_of_their_papers() -> None:
    one, two, three = q_network(4, 0), actor_critic(4, 0), narrow_actor_critic(4, 0)
    assert isinstance(one, QNetwork)
    assert isinstance(three, ActorCritic)
    assert [network.trunk[-2].in_features for network in (one, two, three)] == [64 * 49, 64 * 49, 32 * 49]
    assert {network.trunk[-2].out_features for network in (one, two, three)} == {512}
