"""Compile the kernels ahead of their first use: `python -m drivesim.warm`; `make demo` does when it installs.

In one process numba compiles one kernel at a time; two take the world's and the renderer's side by side.
"""

from __future__ import annotations

import multiprocessing
import sys

import numpy as np

from drivesim.envs.cameras import make_camera
from drivesim.envs.vector import DrivingVectorEnv
from drivesim.render.raycaster import MODALITIES, RaycastRenderer
from drivesim.render.scene import SceneBuilder
from drivesim.scenario.loader import load
from drivesim.world.state import empty_state, town_numbers


def warm_world() -> None:
    """Compile what moves the town."""
    env = DrivingVectorEnv(1, "reasonable", renderer="none")
    env.reset(seed=0)
    env.step(np.zeros(1, np.int64))
    env.close()


def warm_renderer() -> None:
    """Compile what draws it, of a town that nothing has moved."""
    scenario = load("reasonable")
    state = empty_state(1, 1, 1)
    town_numbers(state)[:] = 1.0
    state.town["block_length"] = 100.0
    RaycastRenderer(make_camera(scenario), MODALITIES).render(SceneBuilder(scenario, 1).build(state))


def main() -> int:
    """Compile both side by side; return the exit status."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=target) for target in (warm_world, warm_renderer)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return max(abs(process.exitcode or 0) for process in processes)


if __name__ == "__main__":
    sys.exit(main())
