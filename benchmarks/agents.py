"""Whether both renderers mean the same to the shipped agents: equal actions, and equal ends of a drive."""

from __future__ import annotations

import numpy as np
import torch
from gymnasium.vector import AutoresetMode

from benchmarks.row import Row
from drivesim.agents import shipped_agents
from drivesim.envs.vector import DrivingVectorEnv
from drivesim.evaluation import drive
from drivesim.pilots import agent_directory, load_pilot
from drivesim.rl.checkpoint import load_agent
from drivesim.scenario.loader import load

WORLDS, DECISIONS = 20, 100
"""2,000 states an agent."""
PAIRS = 20
"""Paired seeds an agent, driven to the end."""
MIN_SAME = 0.99
FIRST_SEED = 2_000_000


def same_actions(agent: str) -> float:
    """Return the share of states on which an agent takes the same action whoever draws them."""
    _, metadata = load_agent(agent_directory(agent))
    scenario = load(metadata["scenario"])
    pilot, _ = load_pilot(agent, scenario)
    mode = AutoresetMode.NEXT_STEP
    fast = DrivingVectorEnv(WORLDS, scenario, "raycast", autoreset_mode=mode)
    reference = DrivingVectorEnv(WORLDS, scenario, "bullet", autoreset_mode=mode)
    same = 0
    try:
        seen, _ = fast.reset(seed=FIRST_SEED)
        also_seen, _ = reference.reset(seed=FIRST_SEED)
        for _ in range(DECISIONS):
            controls = pilot(fast, seen)
            same += int((controls == pilot(reference, also_seen)).all(1).sum())
            seen = fast.step_controls(controls)[0]
            also_seen = reference.step_controls(controls)[0]
    finally:
        fast.close()
        reference.close()
    return same / (WORLDS * DECISIONS)


def same_endings(agent: str) -> tuple[int, float]:
    """Return how many of the paired drives end alike, and the largest difference of their times, s."""
    _, metadata = load_agent(agent_directory(agent))
    scenario = load(metadata["scenario"])
    pilot, _ = load_pilot(agent, scenario)
    seeds = range(FIRST_SEED, FIRST_SEED + PAIRS)
    fast = drive(scenario, pilot, seeds)
    # One town at a time: PyBullet would have to rearrange all its bodies for each of several.
    reference = drive(scenario, pilot, seeds, worlds=1, renderer="bullet")
    alike = [a.ending == b.ending for a, b in zip(fast, reference, strict=True)]
    apart = [abs(a.time_s - b.time_s) for a, b in zip(fast, reference, strict=True)]
    return sum(alike), float(np.max(apart))


def measure() -> Row:
    """Measure the row."""
    torch.set_num_threads(1)
    names = shipped_agents()
    actions = {name: same_actions(name) for name in names}
    endings = {name: same_endings(name) for name in names}
    worst = min(actions.values(), default=0.0)
    alike = min((count for count, _ in endings.values()), default=0)
    apart = max((seconds for _, seconds in endings.values()), default=float("inf"))
    return Row(
        "agents",
        "share of states with the same action",
        worst,
        f"{MIN_SAME:.0%} of {WORLDS * DECISIONS} states; {PAIRS} of {PAIRS} endings, within 1/60 s",
        worst >= MIN_SAME and alike == PAIRS and apart <= 1.0 / 60.0 + 1e-9,
        peer_name="PyBullet TinyRenderer",
        more={
            "actions": actions,
            "endings_alike": {name: count for name, (count, _) in endings.items()},
            "times_apart_s": {name: seconds for name, (_, seconds) in endings.items()},
        },
    )
