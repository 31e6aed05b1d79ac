"""Time of one town's reset, its first image included."""

from __future__ import annotations

import time
from statistics import median

import numpy as np

from benchmarks.row import Row
from drivesim.envs.vector import DrivingVectorEnv, RendererName

TARGET = 2.0
"""ms"""
RESETS = 300


def reset_times(renderer: RendererName, resets: int) -> list[float]:
    """Return the time (ms) of each of several resets of one town."""
    env = DrivingVectorEnv(1, "reasonable", renderer)
    times = []
    try:
        env.reset(seed=0)
        options = {"reset_mask": np.ones(1, np.bool_)}
        for _ in range(resets):
            start = time.perf_counter()
            env.reset(options=options)
            times.append(1000 * (time.perf_counter() - start))
    finally:
        env.close()
    return times[resets // 10 :]


def measure() -> Row:
    """Measure the row; the floor is a reset that draws nothing."""
    times, floor = reset_times("raycast", RESETS), median(reset_times("none", RESETS))
    return Row(
        "reset",
        "ms",
        median(times),
        f"less than {TARGET:.0f} ms",
        median(times) < TARGET,
        floor=floor,
        ratio_floor=median(times) / floor,
        more={
            "slowest_of_100": float(np.percentile(times, 99)),
            "bullet": median(reset_times("bullet", 60)),
            "resets": len(times),
        },
    )
