"""Steps per second of A2C, environment and learning together, beside stable-baselines3's.

Same towns, network, number of worlds, rollout length and threads; the C library keeps freed memory for both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import median

import torch

from benchmarks.row import Row
from benchmarks.timing import median_ratio, rates_in_turns
from drivesim.envs.vector import DrivingVectorEnv
from drivesim.rl.a2c import A2CConfig, Learner
from drivesim.rl.training import fastest_precision, keep_freed_memory
from drivesim.train_cli import make_network

TARGET = 2.0
WORLDS = 64
UPDATES = 12
REPEATS = 7
CONFIG = A2CConfig(total_steps=10**9)


def our_work(env: DrivingVectorEnv, config: A2CConfig) -> Callable[[], float]:
    """Return what does `UPDATES` updates of our A2C and says how many steps that took."""
    learner = Learner(env, make_network(env.scenario, config.seed), config)
    learner.start(config.seed)

    def work() -> float:
        for _ in range(UPDATES):
            learner.update(learner.collect())
        return UPDATES * config.num_steps * WORLDS

    return work


def peer_work(env: DrivingVectorEnv, config: A2CConfig) -> Callable[[], float]:
    """Return the same of stable-baselines3's A2C."""
    from benchmarks.sb3 import make_peer  # an extra

    model = make_peer(env, make_network(env.scenario, config.seed), config)

    def work() -> float:
        steps = UPDATES * config.num_steps * WORLDS
        model.learn(steps, log_interval=10**9, reset_num_timesteps=False)
        return steps

    return work


def measure() -> Row:
    """Measure the row, in the precision that is fastest here and in float32."""
    keep_freed_memory()
    torch.set_num_threads(1)
    envs = [DrivingVectorEnv(WORLDS, "reasonable") for _ in range(3)]
    fastest = replace(CONFIG, precision=fastest_precision("cpu"))
    contestants = {
        "ours": our_work(envs[0], fastest),
        "float32": our_work(envs[1], CONFIG),
        "peer": peer_work(envs[2], CONFIG),
    }
    try:
        rates = rates_in_turns(contestants, REPEATS)
    finally:
        for env in envs:
            env.close()
    ratio = median_ratio(rates["ours"], rates["peer"])
    return Row(
        "a2c-driving",
        "steps/s",
        median(rates["ours"]),
        f"at least {TARGET:.0f} times the peer, ours in {fastest.precision}",
        ratio >= TARGET,
        peer=median(rates["peer"]),
        peer_name="stable-baselines3 A2C in float32, same network and towns, colours looked up by our kernel",
        ratio_peer=ratio,
        more={
            "precision": fastest.precision,
            "float32": median(rates["float32"]),
            "ratio_peer_float32": median_ratio(rates["float32"], rates["peer"]),
            "worlds": WORLDS,
            "rollout": CONFIG.num_steps,
            "repeats": REPEATS,
        },
    )
