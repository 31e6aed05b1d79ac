"""Steps per second of learning on Pong, emulator and network together, beside stable-baselines3's.

Same game, number of worlds, network, threads, and states of gradient for a step. SB3 plays through its own
wrappers, as its users have it; on our worlds it is told beside. All are past the time before their first
update, and act at random as seldom as they will in the end. The C library keeps freed memory for all. Our DQN
is here as SB3 has it, neither double nor duelling; as it is trained, it is told beside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import torch

from benchmarks.row import Row
from benchmarks.timing import median_ratio, rates_in_turns
from drivesim.rl import a2c
from drivesim.rl.a2c import A2CConfig
from drivesim.rl.checkpoint import Network
from drivesim.rl.descent import Precision
from drivesim.rl.dqn import QLearner
from drivesim.rl.dqn_config import DQNConfig
from drivesim.rl.learner import Learner
from drivesim.rl.networks import ActorCritic
from drivesim.rl.q_network import QNetwork
from drivesim.rl.training import fastest_precision, keep_freed_memory
from probes.cli.train_algorithms import ALGORITHMS, actor_critic, q_network
from probes.domains.atari import action_names
from probes.domains.atari_learning import AtariLearningEnv

GAME = "pong"
OWN_NAME = "PongNoFrameskip-v4"
"""Of the same game, as SB3's wrappers want it."""
FOREVER = 10**9
"""Steps in all, so that schedules stand still; and updates or episodes between two logs of SB3's."""


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    worlds: int
    steps: int
    """Of a turn, summed over worlds."""
    fill: int = 0
    """Steps before the first update, which are not timed."""
    replay: int = 20_000
    """Frames that a replay holds."""
    repeats: int = 7


class Contest(NamedTuple):
    """Who takes part in a row, and how much of them is measured."""

    algo: str
    """As `probes train` calls it."""
    target: float
    network: Callable[[int], Any]
    """Of the number of actions; it gives the peer its shape alone."""
    ours: Callable[[AtariLearningEnv, Any, Size, Precision], Learner]
    peer: Callable[[Any, Any, Size], Any]
    """Of SB3's worlds."""
    peer_name: str
    size: Size
    as_trained: Callable[[AtariLearningEnv, Size, Precision], Learner] | None = None
    """Ours by default, where that is more than the peer does."""


def dqn_config(size: Size, precision: Precision = "float32", is_double: bool = False) -> DQNConfig:
    """Return what `probes train` has by default, but for a small replay, little exploration and no end."""
    settled = DQNConfig.epsilon_end
    return DQNConfig(
        total_steps=FOREVER,
        epsilon_start=settled,
        epsilon_end=settled,
        learning_starts=size.fill,
        replay_frames=size.replay,
        precision=precision,
        is_double=is_double,
    )


def plain_q_network(actions: int) -> QNetwork:
    """Return action values with one head."""
    return q_network(actions, seed=0, is_duelling=False)


def our_dqn(env: AtariLearningEnv, network: QNetwork, size: Size, precision: Precision) -> QLearner:
    """Return our DQN, not double."""
    return QLearner(env, network, dqn_config(size, precision))


def dqn_as_trained(env: AtariLearningEnv, size: Size, precision: Precision) -> QLearner:
    """Return our DQN, double and duelling."""
    return QLearner(env, q_network(len(env.actions), seed=0), dqn_config(size, precision, is_double=True))


def peer_dqn(worlds: Any, network: QNetwork, size: Size) -> Any:
    """Return SB3's DQN."""
    from benchmarks.sb3_atari import make_dqn_peer  # an extra

    return make_dqn_peer(worlds, network, dqn_config(size))


def a2c_config(precision: Precision = "float32") -> A2CConfig:
    """Return what `probes train` has by default, without an end."""
    return A2CConfig(total_steps=FOREVER, clip_rewards=True, precision=precision)


def our_a2c(env: AtariLearningEnv, network: ActorCritic, _: Size, precision: Precision) -> a2c.Learner:
    """Return our A2C."""
    return a2c.Learner(env, network, a2c_config(precision))


def peer_a2c(worlds: Any, network: ActorCritic, _: Size) -> Any:
    """Return SB3's A2C."""
    from benchmarks.sb3_atari import make_a2c_peer  # an extra

    return make_a2c_peer(worlds, network, a2c_config())


DQN = Contest(
    "dqn",
    2.0,
    plain_q_network,
    our_dqn,
    peer_dqn,
    "stable-baselines3 DQN in float32 with its own wrappers, same plain head, states of gradient for a step",
    Size(ALGORITHMS["dqn"].envs, steps=512, fill=2_048),
    dqn_as_trained,
)
A2C = Contest(
    "a2c",
    1.8,
    partial(actor_critic, seed=0),
    our_a2c,
    peer_a2c,
    "stable-baselines3 A2C in float32 with its own wrappers, same network and rollout",
    Size(ALGORITHMS["a2c"].envs, steps=1_536),
)


def our_work(learner: Learner, size: Size) -> Callable[[], float]:
    """Fill the replay, if there is one; return what learns for a turn and says how many steps that took."""

    def learn(steps: int) -> float:
        first = learner.step
        while learner.step < first + steps:
            learner.update(learner.collect())
        return learner.step - first

    learner.start(learner.config.seed)
    learn(size.fill)
    return partial(learn, size.steps)


def peer_work(model: Any, size: Size) -> Callable[[], float]:
    """Do the same with a learner of SB3's."""

    def learn(steps: int) -> float:
        first = model.num_timesteps
        model.learn(steps, log_interval=FOREVER, reset_num_timesteps=False)
        return float(model.num_timesteps - first)

    learn(size.fill)
    return partial(learn, size.steps)


def rates(contest: Contest, precision: Precision) -> dict[str, list[float]]:
    """Return the steps per second in each turn: of ours in a precision and in float32, and of the peer.

    `on our worlds` is the peer, spared its own wrappers; `as trained` is ours where it does more by default.
    """
    from benchmarks.sb3_atari import as_worlds, own_worlds  # an extra

    size = contest.size
    envs = [AtariLearningEnv(GAME, size.worlds) for _ in range(4)]
    networks = [contest.network(len(env.actions)) for env in envs]
    worlds = {"peer": own_worlds(OWN_NAME, size.worlds), "on our worlds": as_worlds(envs[2])}
    try:
        contestants = {
            "ours": our_work(contest.ours(envs[0], networks[0], size, precision), size),
            "float32": our_work(contest.ours(envs[1], networks[1], size, "float32"), size),
            **{name: peer_work(contest.peer(each, networks[2], size), size) for name, each in worlds.items()},
        }
        if contest.as_trained is not None:
            contestants["as trained"] = our_work(contest.as_trained(envs[3], size, precision), size)
        return rates_in_turns(contestants, size.repeats)
    finally:
        for each in (*envs, worlds["peer"]):
            each.close()


def count_parameters(make: Callable[[int], Network]) -> int:
    """Return how many numbers a network for the game learns."""
    return sum(parameter.numel() for parameter in make(len(action_names(GAME))).parameters())


def measure(contest: Contest) -> Row:
    """Measure a row, in the precision that is fastest here and in float32."""
    keep_freed_memory()
    torch.set_num_threads(1)
    size, precision = contest.size, fastest_precision("cpu")
    found = rates(contest, precision)
    ratio = median_ratio(found["ours"], found["peer"])
    return Row(
        f"atari-{contest.algo}",
        "steps/s",
        median(found["ours"]),
        f"at least {contest.target:g} times the peer, ours in {precision}",
        ratio >= contest.target,
        peer=median(found["peer"]),
        peer_name=contest.peer_name,
        ratio_peer=ratio,
        more={
            "precision": precision,
            "float32": median(found["float32"]),
            "ratio_peer_float32": median_ratio(found["float32"], found["peer"]),
            "peer_on_our_worlds": median(found["on our worlds"]),
            "ratio_peer_on_our_worlds": median_ratio(found["ours"], found["on our worlds"]),
            "as_trained": median(found.get("as trained", found["ours"])),
            "parameters": count_parameters(contest.network),
            "parameters_by_default": count_parameters(partial(ALGORITHMS[contest.algo].network, seed=0)),
            "game": GAME,
            "worlds": size.worlds,
            "steps": size.steps,
            "repeats": size.repeats,
        },
    )
