"""What the chains of a search climb: the energy E of Algorithm 1, and its gradient (Sec. 2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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

    def descend(self, chains: Chains, alpha: Tensor, gamma: Tensor, samples: int) -> Tensor:
        """Add the gradient of E to that of the chains; on a CPU parts of them are worked on side by side.

        How many threads PyTorch has changes no bit while there are at least two parts and fewer than twice as
        many threads: then each part is one thread's. A lone part is shared by all threads, and so are parts
        that have several threads each; their sums may be rounded otherwise.

        Args:
            chains: K of them.
            alpha: (K,) weights of the KL.
            gamma: (K,) weights of half the squared radius.
            samples: draws over which J is averaged.

        Returns:
            J (K,) before the step.
        """
        eps = chains.draw(samples)

        def climb(part: slice) -> tuple[Tensor, Tensor, Tensor]:
            # Leaves of its own: threads must not add to one gradient.
            mu, log_sigma = (of[part].detach().requires_grad_() for of in (chains.mu, chains.log_sigma))
            z = mu[:, None] + log_sigma.exp()[:, None] * eps[part]  # (B, S, n)
            states, _, j = self.judge(z.flatten(0, 1), self.is_hard)
            objective = j.view(z.shape[:2]).mean(1)
            gain = objective if self.ceiling is None else objective.clamp(max=self.ceiling)
            energy = -gain + alpha[part] * kl_to_prior(mu, log_sigma)
            energy = energy + gamma[part] / 2 * squared_radius(mu, log_sigma, self.weights)
            if self.others is not None:
                first = states if samples == 1 else states[::samples]  # even a slice of all is a copy, later
                energy = energy + self.others.charge(first, part)
            of_mu, of_log_sigma = torch.autograd.grad(energy.sum(), (mu, log_sigma))
            return objective.detach(), of_mu, of_log_sigma

        parts = list(slices(len(eps), self.batch))
        climbed = on_all_cores(climb, parts) if eps.is_cpu else [climb(part) for part in parts]
        if self.others is not None:
            self.others.end_step()
        j, *gradients = (torch.cat(column) for column in zip(*climbed, strict=True))
        for leaf, gradient in zip((chains.mu, chains.log_sigma), gradients, strict=True):
            leaf.grad = gradient if leaf.grad is None else leaf.grad + gradient
        return j
