"""Steps per second of the environment: 64 towns, four 128x128 frames of classes each, random actions."""

from __future__ import annotations

from statistics import median

import numpy as np

from benchmarks.row import Row
from benchmarks.timing import median_ratio, rates_in_turns
from drivesim.envs.vector import DrivingVectorEnv, make_camera
from drivesim.render.raycaster import RaycastRenderer

TARGET = 10_000.0
WORLDS = 64
STEPS = 50
REPEATS = 15


def measure() -> Row:
    """Measure the row; the floor is the renderer alone, on the scenes that the environment has come to."""
    env = DrivingVectorEnv(WORLDS, "reasonable")
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(STEPS)]
    env.reset(seed=0)
    renderer = RaycastRenderer(make_camera(env.scenario), tuple(env.scenario.modalities))
    frames = renderer.render(env.scene())
    endings = 0

    def step() -> float:
        nonlocal endings
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            endings += int(np.sum(terminated | truncated))
        return STEPS * WORLDS

    def render() -> float:
        scene = env.scene()
        for _ in range(STEPS):
            renderer.render(scene, frames)
        return STEPS * WORLDS

    rates = rates_in_turns({"ours": step, "floor": render}, REPEATS)
    env.close()
    renderer.close()
    ours = median(rates["ours"])
    return Row(
        "env-seg4",
        "steps/s",
        ours,
        f"at least {TARGET:,.0f} on one core",
        ours >= TARGET,
        floor=median(rates["floor"]),
        ratio_floor=median_ratio(rates["ours"], rates["floor"]),
        more={"worlds": WORLDS, "repeats": REPEATS, "best": max(rates["ours"]), "episodes": endings},
    )
