"""A state set, layouts and models so small that fitting takes milliseconds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from probes.data.collect import CollectConfig, collect
from probes.data.saliency_set import SaliencySet, compute
from probes.data.state_set import StateSet
from probes.progress import Track
from probes.state_models.fit import fit
from probes.state_models.fit_config import FitConfig
from probes.state_models.model_store import LoadedModel
from probes.state_models.schedule import Schedule
from probes.states import Plane, StateLayout
from tests.probes.counters import Counters, Critic

SEG4 = StateLayout((Plane("semantic", "class", 13),), stack=4, height=128, width=128)
FULL8 = StateLayout(
    (Plane("depth", "level"), Plane("semantic", "class", 13), Plane("gray", "level")), 8, 128, 128
)
ATARI = StateLayout((Plane("colour", "level", 3),), stack=4, height=84, width=84)
LAYOUTS = {"seg4": SEG4, "full8": FULL8, "atari": ATARI}

CRISP_SHAPE: dict[str, Any] = {
    "width": 8,
    "inner": 4,
    "scene": 4,
    "levels": [[16, 1, 2], [8, 1, 2]],
    "fine": [8, 4],
}
PAPER_SHAPE: dict[str, Any] = {"latent": 3, "filters": [4, 8]}

CRISP = FitConfig(
    "crisp",
    Schedule(12, batch=4, warm_up=3, fall_from=0.5, gradient_limit=100.0, average=0.9),
    precision="float32",
    checkpoint_every=5,
    shape=CRISP_SHAPE,
)
PAPER = replace(CRISP, model="paper", schedule=Schedule(12, batch=4), shape=PAPER_SHAPE)
CONFIGS = {"crisp": CRISP, "paper": PAPER}


def small_states(path: Path, agent: Critic | None = None, seed: int = 0) -> StateSet:
    """Collect 14 states to fit and 6 held out of `Counters`."""
    config = CollectConfig(14, 6, epsilon=0.5, worlds=2, spacing=1, held_out_seed=700_000, seed=seed)
    return collect(Counters, agent or Critic(), config, path)


def saliency_of(states: StateSet) -> SaliencySet:
    """Compute the saliency of states that `Critic` played."""
    return compute(states, Critic(), states.path.with_name("saliency"))


class Stop(Exception):
    """What stands for a power cut."""


def silent(_: Track) -> None:
    """Show no progress."""


def run(states: StateSet, config: FitConfig, path: Path, stop_after: int | None = None) -> LoadedModel:
    """Fit to states that `Critic` played; after so many iterations, if they are given, the power fails."""

    def show(track: Track) -> None:
        if track.done == stop_after:
            raise Stop

    saliency = saliency_of(states) if config.needs_saliency else None
    return fit(states, saliency, Critic(), config, path, Track(0, show))


def some_stored(layout: StateLayout, count: int, seed: int = 0) -> torch.Tensor:
    """Draw stored states (count, T, M, H, W), each pixel for itself."""
    generator = torch.Generator().manual_seed(seed)
    stored = torch.empty((count, *layout.stored_shape), dtype=torch.uint8)
    for plane, _, where in layout.slices():
        largest = plane.channels if plane.kind == "class" else 256
        stored[:, :, where] = torch.randint(
            0, largest, stored[:, :, where].shape, generator=generator, dtype=torch.uint8
        )
    return stored


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    """Tell whether two models are equal bit for bit."""
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
