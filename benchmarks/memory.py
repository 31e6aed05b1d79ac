"""Growth of resident memory over 1,000 resets, each renderer in a process of its own."""

from __future__ import annotations

import multiprocessing
import resource
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.row import Row
from drivesim.envs.vector import DrivingVectorEnv, RendererName

TARGET = 5.0
"""MB"""
RESETS = 1000
WARM_UP = 100


def resident_mb() -> float:
    """Return the memory of this process that is in RAM, in MB (10^6 bytes)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def growth_mb(renderer: RendererName) -> tuple[float, float]:
    """Return by how much (MB) memory grew to its highest and to its last over `RESETS` resets."""
    env = DrivingVectorEnv(1, "reasonable", renderer)
    try:
        for seed in range(WARM_UP):
            env.reset(seed=seed)
        before, highest = resident_mb(), 0.0
        for seed in range(WARM_UP, WARM_UP + RESETS):
            env.reset(seed=seed)
            env.step_controls(env.controls(env.action_space.sample()))
            highest = max(highest, resident_mb())
    finally:
        env.close()
    return highest - before, resident_mb() - before


def measure() -> Row:
    """Measure the row; the renderer that grows more counts."""
    grown: dict[str, tuple[float, float]] = {}
    names: tuple[RendererName, ...] = ("raycast", "bullet")
    context = multiprocessing.get_context("spawn")
    for name in names:
        with ProcessPoolExecutor(1, mp_context=context) as process:
            grown[name] = process.submit(growth_mb, name).result()
    worst = max(highest for highest, _ in grown.values())
    return Row(
        "memory",
        "MB",
        worst,
        f"at most {TARGET:.0f} MB over {RESETS:,} resets, in both renderers",
        worst <= TARGET,
        more={name: {"highest": highest, "at_the_end": last} for name, (highest, last) in grown.items()},
    )
