"""States to probe that need no data: towns in which an untrained agent drives."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from probes.data.collect import CollectConfig, collect
from probes.data.state_set import StateSet
from probes.domains.driving import DrivingAgent, DrivingSimulation, load_agent, random_agent

THREADS = 2
"""That the bars allow."""


def allowed_threads() -> int:
    """Return how many threads a row uses: no more than there are cores for."""
    return min(THREADS, len(os.sched_getaffinity(0)))


def untrained_agent() -> DrivingAgent:
    """Return an agent of the shape of `reasonable-seg4` with random weights."""
    return random_agent(load_agent("reasonable-seg4"), 0)


def driven_states(folder: Path, agent: DrivingAgent, fit: int, held_out: int) -> StateSet:
    """Let an agent drive and keep so many states of each kind, in a folder within `folder`."""
    config = CollectConfig(fit, held_out, epsilon=0.5, worlds=16, spacing=1)
    return collect(partial(DrivingSimulation, agent.scenario), agent, config, folder / "states")
