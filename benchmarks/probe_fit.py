"""Iterations per second of `probes fit` on four class frames, beside the floor of their FLOPs.

Both state models, each by its own schedule of preset `paper` cut short: what joins later has its share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch

from benchmarks.flops import Beside, Stamps, beside_the_floor, counted, rate_of, threads
from benchmarks.probe_states import allowed_threads, driven_states, untrained_agent
from benchmarks.row import Row
from drivesim.rl.training import keep_freed_memory
from probes.cli.device import Device
from probes.data.saliency_set import SaliencySet, compute
from probes.data.state_set import StateSet
from probes.domains.driving import DrivingAgent
from probes.progress import Track
from probes.state_models.fit import fit, make_objective
from probes.state_models.fit_config import FitConfig
from probes.state_models.model_store import ModelName, build_model
from probes.state_models.schedule import SCHEDULES, batch_indices

PRECISION = torch.bfloat16
"""As `probes fit` has it by default."""
SHARES = (0.125, 0.375, 0.625, 0.875)
"""Of the iterations, at which FLOPs are counted."""


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    states: int = 128
    iterations: dict[ModelName, int] = field(default_factory=lambda: {"paper": 16, "crisp": 16})
    """Of a turn; the first is not timed."""
    turns: int = 2
    batch: int = 16
    shapes: dict[ModelName, dict[str, Any]] = field(default_factory=lambda: {"paper": {}, "crisp": {}})
    """Of the state models."""


class Given(NamedTuple):
    """What is fitted to."""

    agent: DrivingAgent
    states: StateSet
    saliency: SaliencySet


def make_given(folder: Path, device: str, size: Size) -> Given:
    """Let an untrained agent drive, and find out where it looks."""
    agent = untrained_agent()
    states = driven_states(folder, agent, size.states, 0)
    agent.to(device)
    return Given(agent, states, compute(states, agent, folder / "saliency"))


def config_of(name: ModelName, device: Device, size: Size) -> FitConfig:
    """Return the settings of a turn."""
    schedule = replace(SCHEDULES[name]["paper"], iterations=size.iterations[name], batch=size.batch)
    return FitConfig(name, schedule, checkpoint_every=10**9, device=device, shape=size.shapes[name])


def iteration_flops(given: Given, config: FitConfig) -> float:
    """Return the FLOPs of an iteration, on average over a fit: the loss and its gradient."""
    model = build_model(config.model, given.states.layout, config.shape, seed=0).to(config.device).train()
    objective = make_objective(model, given.agent, given.states, given.saliency, config)
    batch = batch_indices(given.states.fit_indices, config.schedule.batch, 0, seed=0)

    def iterate() -> None:
        for share in SHARES:
            with torch.autocast(config.device, PRECISION):
                terms = objective(batch, share)
            terms["loss"].backward()  # type: ignore[no-untyped-call]

    return counted(iterate) / len(SHARES)


def fitting(given: Given, config: FitConfig, folder: Path) -> Callable[[], float]:
    """Return what fits for a turn and says how many iterations a second that were."""
    turn = count()

    def work() -> float:
        stamps = Stamps()
        path = folder / f"{config.model}-{next(turn)}"
        fit(given.states, given.saliency, given.agent, config, path, Track(0, stamps))
        return rate_of(stamps[1:], 1)  # the first only tells where the fit begins

    return work


def measure(device: Device = "cpu", size: Size = Size()) -> Row:
    """Measure the row: the paper's model, and beside it our own."""
    keep_freed_memory()
    found: dict[str, Beside] = {}
    with TemporaryDirectory() as place, threads(allowed_threads()):
        folder = Path(place)
        given = make_given(folder, device, size)
        for name in size.iterations:
            config = config_of(name, device, size)
            work, flops = fitting(given, config, folder), iteration_flops(given, config)
            found[name] = beside_the_floor(work, flops, PRECISION, device, size.turns)
    paper = found["paper"].as_json()
    return Row(
        "probe-fit",
        "iterations/s of the paper's model",
        paper["ours"],
        "none: told beside the floor of its FLOPs",
        True,
        floor=paper["floor"],
        ratio_floor=paper["ratio_floor"],
        more={
            "device": device,
            "threads": allowed_threads(),
            "batch": size.batch,
            "precision": "bfloat16",
            "repeats": size.turns,
            **{name: beside.as_json() for name, beside in found.items()},
        },
    )
