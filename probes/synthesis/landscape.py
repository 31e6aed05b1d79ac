"""What the chains of a search climb: the energy E of Algorithm 1, and its gradient (Sec. 2.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from probes.agent import Agent, AgentOutput
from probes.state_models.state_model import StateModel, kl_to_prior
from probes.synthesis.chains import Chains
from probes.synthesis.parallel import on_all_cores
from probes.synthesis.repulsion import Others
from probes.synthesis.round_trip import squared_radius
from probes.synthesis.straight_through import harden
from probes.synthesis.targets import Target


def slices(count: int, batch: int) -> Iterator[slice]:
    """Cut `count` rows into parts of at most `batch`."""
    return (slice(start, min(start + batch, count)) for start in range(0, count, batch))


@dataclass(frozen=True)
class Landscape:
    """What the chains climb: everything here is frozen, and called by several threads at once on a CPU."""

    model: StateModel
    agent: Agent
    target: Target
    weights: Tensor
    """(n,) of the squared radius."""
    others: Others | None
    """What keeps the chains apart."""
    batch: int
    """Chains at a time."""
    is_hard: bool
    """Whether a step's agent judges the likeliest classes, the gradient passing as if they were soft."""
    is_bf16: bool
    ceiling: float | None
    """J from which on more earns nothing."""

    def judge(self, z: Tensor, is_hard: bool = False) -> tuple[Tensor, AgentOutput, Tensor]:
        """Return the states (B, T, C, H, W) that z (B, n) decodes to, the agent's output and J (B,).

        Args:
            z: draws.
            is_hard: whether they, and what the agent judges, are `harden`ed.
        """
        with torch.autocast(z.device.type, torch.bfloat16, enabled=self.is_bf16):
            states = self.model.decode(z)
            if is_hard:
                states = harden(states, self.model.layout)
            output = self.agent(states)
        output = AgentOutput(output.scores.float(), output.value.float())
        return states, output, self.target(output, states)


class Slope(NamedTuple):
    """Where the chains of a search stand before a step."""

    landscape: Landscape
    chains: Chains
    """K of them."""
    alpha: Tensor
    """(K,) weights of the KL."""
    gamma: Tensor
    """(K,) weights of half the squared radius."""
    samples: int
    """Draws over which J is averaged."""


def descend(slopes: Sequence[Slope]) -> list[Tensor]:
    """Set the gradient of E as that of the chains, for several searches on one device at once.

    On a CPU parts of at most `Landscape.batch` chains are worked on side by side, each on one core, so that
    neither how many cores there are nor what else is searched changes a bit.

    Returns:
        of each search J (K,) before the step.
    """
    drawn = [(slope, slope.chains.draw(slope.samples)) for slope in slopes]
    parts = [_Part(*one, rows) for one in drawn for rows in slices(len(one[1]), one[0].landscape.batch)]
    is_cpu = all(eps.is_cpu for _, eps in drawn)
    found = on_all_cores(_climb, parts) if is_cpu else [_climb(part) for part in parts]
    return [
        _gather(slope, [of for part, of in zip(parts, found, strict=True) if part.slope is slope])
        for slope in slopes
    ]


class _Part(NamedTuple):
    """Some chains of a search."""

    slope: Slope
    eps: Tensor
    """(K, S, n) the noise of all of them."""
    rows: slice


class _Climbed(NamedTuple):
    """What a step needs to know of B chains."""

    objective: Tensor
    """(B,)"""
    of_mu: Tensor
    """(B, n) gradient of E."""
    of_log_sigma: Tensor
    """(B, n)"""


def _climb(part: _Part) -> _Climbed:
    (landscape, chains, alpha, gamma, samples), eps, rows = part
    # Leaves of its own: threads must not add to one gradient.
    mu, log_sigma = (of[rows].detach().requires_grad_() for of in (chains.mu, chains.log_sigma))
    z = mu[:, None] + log_sigma.exp()[:, None] * eps[rows]  # (B, S, n)
    states, _, j = landscape.judge(z.flatten(0, 1), landscape.is_hard)
    objective = j.view(z.shape[:2]).mean(1)
    gain = objective if landscape.ceiling is None else objective.clamp(max=landscape.ceiling)
    energy = -gain + alpha[rows] * kl_to_prior(mu, log_sigma)
    energy = energy + gamma[rows] / 2 * squared_radius(mu, log_sigma, landscape.weights)
    if landscape.others is not None:
        first = states if samples == 1 else states[::samples]  # even a slice of all is a copy, later
        energy = energy + landscape.others.charge(first, rows)
    return _Climbed(objective.detach(), *torch.autograd.grad(energy.sum(), (mu, log_sigma)))


def _gather(slope: Slope, found: Sequence[_Climbed]) -> Tensor:
    """End a search's step with what its parts found: set the chains' gradients, and return J (K,)."""
    others, chains = slope.landscape.others, slope.chains
    if others is not None:
        others.end_step()
    objective, chains.mu.grad, chains.log_sigma.grad = map(torch.cat, zip(*found, strict=True))
    return objective
