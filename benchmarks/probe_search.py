"""Chain-steps per second of Algorithm 1 (Sec. 2.2) on four class frames, beside the floor of its FLOPs.

The `crisp` state model and the agent have random weights, the target is T-, everything else as by default.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import torch

from benchmarks.flops import Beside, Stamps, beside_the_floor, counted, rate_of, threads
from benchmarks.probe_states import THREADS, allowed_threads, driven_states, untrained_agent
from benchmarks.row import Row
from drivesim.rl.training import keep_freed_memory
from probes.cli.device import Device
from probes.domains.driving import DrivingAgent
from probes.state_models.crisp_model import CrispModel
from probes.state_models.model_store import build_model
from probes.synthesis.manifold import RealReference
from probes.synthesis.reference import for_target, measure_reference, outputs_of
from probes.synthesis.round_trip import Pace, freeze_both
from probes.synthesis.search import search
from probes.synthesis.search_config import SearchConfig
from probes.synthesis.targets import Target, resolve

TARGET_S = 180.0
CHAINS, STEPS = 64, 500
"""That shall take no longer."""
COUNTED = 2
"""Chains whose FLOPs are counted."""
DTYPES = {"bf16": torch.bfloat16, "float32": torch.float32}


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    chains: int = CHAINS
    steps: int = 6
    """Of a turn; the first is not timed. Five are a period of what keeps chains apart."""
    turns: dict[Literal["bf16", "float32"], int] = field(default_factory=lambda: {"bf16": 4, "float32": 2})
    real: int = 32
    """Held-out states."""
    shape: dict[str, Any] = field(default_factory=dict)
    """Of the state model."""


class Searched(NamedTuple):
    """What is searched."""

    model: CrispModel
    agent: DrivingAgent
    target: Target
    real: RealReference
    device: str


def make_subject(device: str, size: Size) -> Searched:
    """Make models with random weights, and measure the real states that a search is held against."""
    agent = untrained_agent()
    model = build_model("crisp", agent.layout, size.shape, seed=0)
    assert isinstance(model, CrispModel)
    with TemporaryDirectory() as folder:
        states = driven_states(Path(folder), agent, 16, size.real)
        outputs, pace = outputs_of(agent, states), Pace(device=device)
        target = resolve("T-", agent, outputs)
        model.to(device)
        agent.to(device)
        measured = measure_reference(model, agent, states, outputs, states.held_out_indices, pace)
        real = for_target(measured, target, agent, states, pace)
    return Searched(model, agent, target, real, device)


def chain_flops(of: Searched) -> float:
    """Return the FLOPs of a chain's step: a state decoded and judged, and the gradient of its latents."""
    freeze_both(of.model, of.agent)
    z = torch.randn(COUNTED, of.model.latent_size, device=of.device, requires_grad=True)

    def step() -> None:
        output = of.agent(of.model.decode(z))
        of.target(output, torch.empty(0)).sum().backward()  # type: ignore[no-untyped-call]

    return counted(step) / COUNTED


def searching(of: Searched, size: Size, precision: Literal["bf16", "float32"]) -> Callable[[], float]:
    """Return what searches for a turn and says how many chain-steps a second that were."""
    config = SearchConfig(chains=size.chains, steps=size.steps, precision=precision)

    def work() -> float:
        stamps = Stamps()
        search(of.model, of.agent, of.target, config, of.real, stamps, of.device)
        return rate_of(stamps, size.chains)

    return work


def measure(device: Device = "cpu", size: Size = Size()) -> Row:
    """Measure the row, in the precision of the study and in float32."""
    keep_freed_memory()
    found: dict[str, Beside] = {}
    with threads(allowed_threads()):
        of = make_subject(device, size)
        flops = chain_flops(of)
        for precision, turns in size.turns.items():
            work = searching(of, size, precision)
            found[precision] = beside_the_floor(work, flops, DTYPES[precision], device, turns)
    ours = found["bf16"].as_json()
    seconds = {name: CHAINS * STEPS / beside.as_json()["ours"] for name, beside in found.items()}
    return Row(
        "probe-search",
        "chain-steps/s",
        ours["ours"],
        f"{CHAINS} chains x {STEPS} steps in at most {TARGET_S:.0f} s on {THREADS} cores, in bf16",
        seconds["bf16"] <= TARGET_S,
        floor=ours["floor"],
        ratio_floor=ours["ratio_floor"],
        more={
            "device": device,
            "threads": allowed_threads(),
            "chains": size.chains,
            "repeats": size.turns["bf16"],
            f"seconds_{CHAINS}x{STEPS}": seconds,
            **{name: beside.as_json() for name, beside in found.items()},
        },
    )
