"""States per second of the saliency pass (Sec. 2.1) on four class frames, beside the floor of its FLOPs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from benchmarks.flops import Stamps, beside_the_floor, counted, rate_of, threads
from benchmarks.probe_states import THREADS, allowed_threads, driven_states, untrained_agent
from benchmarks.row import Row
from drivesim.rl.training import keep_freed_memory
from probes.cli.device import Device
from probes.data.saliency_set import compute
from probes.data.state_set import StateSet
from probes.domains.driving import DrivingAgent

TARGET_S = 300.0
STATES = 10_000
"""That shall take no longer."""
BATCH = 16
COUNTED = 2
"""States whose FLOPs are counted."""


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    batches: int = 16
    """Of a turn; the first is not timed."""
    turns: int = 5


def state_flops(agent: DrivingAgent, states: StateSet, device: str) -> float:
    """Return the FLOPs of the gradient at a state; to guide it takes none."""
    seen = states.states(range(COUNTED)).to(device).requires_grad_()

    def differentiate() -> None:
        agent(seen).log_policy.amax(1).sum().backward()

    return counted(differentiate) / COUNTED


def passing(agent: DrivingAgent, states: StateSet, folder: Path) -> Callable[[], float]:
    """Return what computes and keeps all states' saliency, and says how many states a second that were."""
    turn = count()

    def work() -> float:
        stamps = Stamps()
        compute(states, agent, folder / f"saliency-{next(turn)}", batch=BATCH, progress=stamps)
        return rate_of(stamps, BATCH)

    return work


def measure(device: Device = "cpu", size: Size = Size()) -> Row:
    """Measure the row."""
    keep_freed_memory()
    agent = untrained_agent()
    with TemporaryDirectory() as place, threads(allowed_threads()):
        states = driven_states(Path(place), agent, size.batches * BATCH, 0)
        agent.to(device)
        flops = state_flops(agent, states, device)
        work = passing(agent, states, Path(place))
        found = beside_the_floor(work, flops, torch.float32, device, size.turns).as_json()
    seconds = STATES / found["ours"]
    return Row(
        "probe-saliency",
        "states/s",
        found["ours"],
        f"{STATES:,} states in at most {TARGET_S:.0f} s on {THREADS} cores",
        seconds <= TARGET_S,
        floor=found["floor"],
        ratio_floor=found["ratio_floor"],
        more={
            "device": device,
            "threads": allowed_threads(),
            "batch": BATCH,
            "repeats": size.turns,
            f"seconds_{STATES}": seconds,
            "gflop_each": found["gflop_each"],
            "attainable_gflop_per_s": found["attainable_gflop_per_s"],
        },
    )
