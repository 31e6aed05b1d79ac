"""The algorithms that `probes train` offers: networks for the emulator's pictures, learners, and settings."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields
from typing import Any, NamedTuple

from drivesim.arguments import natural_int, positive_int
from drivesim.rl import a2c
from drivesim.rl.a2c import A2CConfig
from drivesim.rl.acktr import ACKTRConfig
from drivesim.rl.checkpoint import Network
from drivesim.rl.dqn import QLearner
from drivesim.rl.dqn_config import DQNConfig
from drivesim.rl.learner import Learner
from drivesim.rl.networks import (
    NATURE_CONVOLUTIONS,
    ActorCritic,
    ActorCriticConfig,
    Convolution,
    InputLayout,
)
from drivesim.rl.q_network import QNetwork, QNetworkConfig
from drivesim.rl.training import fastest_precision
from probes.agent import ProbeError
from probes.domains.atari_frames import SIDE, STACK
from probes.domains.atari_learning import AtariLearningEnv

LAYOUT = InputLayout(("gray",), STACK, SIDE, SIDE)
HIDDEN = 512
NARROW_CONVOLUTIONS = (*NATURE_CONVOLUTIONS[:2], Convolution(32, 3, 1))
"""Wu et al. (2017) halve the last filters, and with them the largest factor of the curvature."""


class Setting(NamedTuple):
    """An option that some of the algorithms know."""

    option: str
    help: str
    type: Callable[[str], Any] | None = None
    """None for a switch."""
    switched: bool = False
    """What a switch sets."""


SETTINGS = {
    "total_steps": Setting("--steps", "decisions in all", positive_int),
    "discount": Setting("--discount", "of a reward one decision later", float),
    "learning_rate": Setting("--learning-rate", "of ACKTR the most that a step is scaled by", float),
    "hidden": Setting("--hidden", "units of a layer", positive_int),
    "n_step": Setting("--n-step", "rewards summed before an estimate", positive_int),
    "batch_size": Setting("--batch", "states of an update", positive_int),
    "steps_per_update": Setting("--steps-per-update", "decisions between two updates", positive_int),
    "target_period": Setting("--target-period", "decisions between two target networks", positive_int),
    "epsilon_start": Setting("--epsilon-start", "share of random actions at first", float),
    "epsilon_steps": Setting("--epsilon-steps", "decisions until it has fallen", positive_int),
    "learning_starts": Setting("--learning-starts", "decisions before the first update", natural_int),
    "replay_frames": Setting("--replay-frames", "frames that are kept", positive_int),
    "averaged_updates": Setting("--averaged-updates", "updates whose average the agent is", positive_int),
    "is_duelling": Setting("--plain-head", "one head instead of a duelling one"),
    "is_double": Setting("--single", "not double Q-learning"),
    "num_steps": Setting("--num-steps", "decisions of each world between two updates", positive_int),
    "gae_lambda": Setting("--gae-lambda", "how far advantages trust rewards over values", float),
    "entropy_coefficient": Setting("--entropy", "weight of the policy's entropy", float),
    "trust_region": Setting("--trust-region", "divergence that a step may cause", float),
}
"""By their name in a learner's or a network's configuration."""


class Algorithm(NamedTuple):
    """What to make of the settings."""

    config: Callable[..., DQNConfig | A2CConfig | ACKTRConfig]
    network: Callable[..., Network]
    """Of actions, seed, and the settings in `shape`."""
    learner: Callable[..., Learner]
    envs: int
    """Worlds stepped together, unless told otherwise."""
    shape: frozenset[str] = frozenset({"hidden"})
    """Settings of the network."""


def q_network(actions: int, seed: int, hidden: int = HIDDEN, is_duelling: bool = True) -> QNetwork:
    """Return a network of action values with Mnih et al.'s (2015) convolutions."""
    return QNetwork(LAYOUT, QNetworkConfig(actions, is_duelling=is_duelling, hidden=hidden), seed)


def actor_critic(actions: int, seed: int, hidden: int = HIDDEN) -> ActorCritic:
    """Return an actor-critic with Mnih et al.'s (2015) convolutions."""
    shape = ActorCriticConfig(actions, pool=1, convolutions=NATURE_CONVOLUTIONS, hidden=hidden)
    return ActorCritic(LAYOUT, shape, seed)


def narrow_actor_critic(actions: int, seed: int, hidden: int = HIDDEN) -> ActorCritic:
    """Return an actor-critic of Wu et al. (2017)."""
    shape = ActorCriticConfig(actions, pool=1, convolutions=NARROW_CONVOLUTIONS, hidden=hidden)
    return ActorCritic(LAYOUT, shape, seed)


ALGORITHMS = {
    "dqn": Algorithm(DQNConfig, q_network, QLearner, envs=8, shape=frozenset({"hidden", "is_duelling"})),
    "a2c": Algorithm(A2CConfig, actor_critic, a2c.Learner, envs=16),
    "acktr": Algorithm(ACKTRConfig, narrow_actor_critic, a2c.Learner, envs=32),
}
"""By name. Each learns from rewards cut to [-1, 1] and takes a lost life for an ending."""


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add an option for each setting; one that is not given is None, for the algorithm's own default."""
    for name, setting in SETTINGS.items():
        if setting.type is None:
            parser.add_argument(
                setting.option, dest=name, action="store_const", const=setting.switched, help=setting.help
            )
        else:
            parser.add_argument(setting.option, dest=name, type=setting.type, help=setting.help)


def given_settings(args: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that were given, by name.

    Raises:
        ProbeError: the algorithm does not know one.
    """
    given = {name: getattr(args, name) for name in SETTINGS if getattr(args, name) is not None}
    for name in given:
        knowing = [algo for algo in ALGORITHMS if name in _known(algo)]
        if args.algo not in knowing:
            option = SETTINGS[name].option
            raise ProbeError(f"found {option} with --algo {args.algo}; only {' and '.join(knowing)} know it")
    return given


def make_network(args: argparse.Namespace, env: AtariLearningEnv) -> Network:
    """Make the untrained network."""
    algorithm = ALGORITHMS[args.algo]
    shape = {name: value for name, value in given_settings(args).items() if name in algorithm.shape}
    return algorithm.network(len(env.actions), args.seed, **shape)


def make_learner(args: argparse.Namespace, env: AtariLearningEnv, network: Network) -> Learner:
    """Make what trains the network.

    Raises:
        ValueError: a setting is out of range, or does not fit the environment.
    """
    algorithm = ALGORITHMS[args.algo]
    given = {name: value for name, value in given_settings(args).items() if name not in algorithm.shape}
    config = algorithm.config(
        **given,
        clip_rewards=True,
        seed=args.seed,
        device=args.device,
        precision=args.precision or fastest_precision(args.device),
    )
    return algorithm.learner(env, network, config)


def _known(algo: str) -> set[str]:
    algorithm = ALGORITHMS[algo]
    assert isinstance(algorithm.config, type)
    return {field.name for field in fields(algorithm.config)} | algorithm.shape
