"""Fig. 3: pixel-space activation maximisation, regulariser by regulariser, beside findings of the search.

What tells them apart is not J, which pixels reach easily, but how far they are from the real states.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probes import statistics
from probes.agent import Agent, ProbeError
from probes.measures.activation_maximization import (
    AscentConfig,
    StateDistance,
    distance_to_real,
    maximise,
    reconstruction_error,
)
from probes.measures.novelty import RealStates
from probes.state_models.state_model import StateModel
from probes.states import to_states, to_stored
from probes.synthesis.targets import Target

OURS = "ours"
REAL = "real"


@dataclass(frozen=True)
class Group:
    """K states that were made in one way, and how far they are from real ones."""

    name: str
    """A regulariser, `ours` or `real`."""
    strength: float
    """By which the regulariser's own setting was multiplied."""
    settings: dict[str, Any]
    stored: NDArray[np.uint8]
    """(K, T, M, H, W)"""
    objective: NDArray[np.float64]
    """(K,) J of the soft states."""
    objective_stored: NDArray[np.float64]
    """(K,) J of the stored states."""
    to_real: StateDistance
    """(K,) from the nearest of the states that were fitted."""
    reconstruction: StateDistance
    """(K,) from what the state model makes of them."""
    curve: NDArray[np.float32] | None
    """(steps, K) J before each step; None where nothing ascended."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data, all but the pictures."""
        measures = {
            "objective": self.objective,
            "objective_stored": self.objective_stored,
            "mse_to_real": self.to_real.mse,
            "disagreement_with_real": self.to_real.class_disagreement,
            "reconstruction_mse": self.reconstruction.mse,
            "reconstruction_disagreement": self.reconstruction.class_disagreement,
        }
        return {
            "name": self.name,
            "strength": self.strength,
            "settings": self.settings,
            "states": len(self.stored),
            **{name: _mean(values) for name, values in measures.items()},
            "curve": None if self.curve is None else self.curve.mean(1).tolist(),
        }


def _mean(values: NDArray[np.floating]) -> dict[str, Any] | None:
    """Estimate a mean; None of what these states do not have, such as classes."""
    return statistics.mean(values).to_json() if np.isfinite(values).all() else None


def strengthened(config: AscentConfig, factor: float) -> AscentConfig:
    """Multiply the setting of a config's regulariser, or settings, by a factor.

    Raises:
        ProbeError: the factor is too large for it, or not above 0.
    """
    names = {
        "none": (),
        "sobolev": ("sobolev_lambda",),
        "total_variation": ("tv_weight",),
        "gaussian_blur": ("blur_sigma",),
        "transforms": ("jitter", "rotation", "scaling", "cropping"),
    }[config.regulariser]
    if not factor > 0:
        raise ProbeError(f"strength of {config.regulariser}: found {factor}, allowed are numbers above 0")
    return replace(config, **{name: getattr(config, name) * factor for name in names})


@dataclass(frozen=True)
class Comparing:
    """Whom to fool, and what to measure with."""

    agent: Agent
    target: Target
    model: StateModel
    states: RealStates


def ascend(comparing: Comparing, config: AscentConfig, strength: float, count: int, seed: int) -> Group:
    """Synthesise states in pixel space, and measure them.

    Args:
        comparing: whom, and with what.
        config: how, at strength 1.
        strength: of its regulariser.
        count: K states.
        seed: of them.
    """
    used = strengthened(config, strength)
    found = maximise(comparing.agent, comparing.target, used, count, seed)
    objectives = found.objective.astype(np.float64), found.objective_stored.astype(np.float64)
    return _measured(
        comparing, config.regulariser, strength, asdict(used), found.soft, objectives, found.curve
    )


@torch.no_grad()
def found_by_search(comparing: Comparing, z: NDArray[np.float32], settings: dict[str, Any]) -> Group:
    """Measure findings by the same rulers.

    Args:
        comparing: whom, and with what.
        z: (K, n) latent vectors of the findings.
        settings: of the search.
    """
    soft = comparing.model.decode(torch.from_numpy(np.array(z)))
    return _measured(comparing, OURS, 1.0, settings, soft, _judged(comparing, soft), None)


@torch.no_grad()
def real_group(comparing: Comparing, indices: NDArray[np.int64]) -> Group:
    """Measure held-out real states by the same rulers: what a distance of 0 cannot be expected of."""
    layout = comparing.states.layout
    states = to_states(torch.from_numpy(comparing.states.stored(indices)), layout)
    return _measured(comparing, REAL, 1.0, {}, states, _judged(comparing, states), None)


def _judged(comparing: Comparing, soft: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return J (K,) of soft states, and of what is stored of them."""
    hard = to_states(to_stored(soft, comparing.states.layout), comparing.states.layout)
    target, agent = comparing.target, comparing.agent
    both = (target(agent(states), states).double().numpy() for states in (soft, hard))
    return next(both), next(both)


def _measured(
    comparing: Comparing,
    name: str,
    strength: float,
    settings: dict[str, Any],
    soft: Tensor,
    objectives: tuple[NDArray[np.float64], NDArray[np.float64]],
    curve: NDArray[np.float32] | None,
) -> Group:
    stored = to_stored(soft, comparing.states.layout).numpy()
    return Group(
        name,
        strength,
        settings,
        stored,
        *objectives,
        distance_to_real(soft, comparing.states),
        reconstruction_error(soft, comparing.model),
        curve,
    )


def compare(
    comparing: Comparing,
    configs: Sequence[AscentConfig],
    strengths: Sequence[float],
    count: int,
    seed: int,
    on_group: Callable[[], None],
) -> list[Group]:
    """Ascend by each config at each strength; where nothing regularises there is one strength.

    Args:
        comparing: whom to fool, and what to measure with.
        configs: at strength 1.
        strengths: of the regularisers.
        count: states of each group.
        seed: of every group.
        on_group: told when a group is done.
    """
    groups = []
    for config in configs:
        for strength in strengths if config.regulariser != "none" else strengths[:1]:
            groups.append(ascend(comparing, config, strength, count, seed))
            on_group()
    return groups
