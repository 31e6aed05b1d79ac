"""What an actor-critic leaves to the algorithm: how its weights follow the gradient of its loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from drivesim.rl.networks import ActorCritic, PolicyValue
from drivesim.rl.rollout import Rollout

Precision = Literal["float32", "bfloat16"]
Think = Callable[[Tensor], PolicyValue]
"""From what `ActorCritic.prepare` made to policy and value, in the configured precision."""


class Descent(Protocol):
    """How an actor-critic's weights follow the gradient of its loss."""

    def measure(self, rollout: Rollout) -> dict[str, float]:
        """Look at the gradients that the loss has left, before any weight changes.

        Returns:
            gradient_norm, and what else is to be reported; all are finite unless learning has diverged.
        """

    def step(self, rate: float) -> dict[str, float]:
        """Change the weights, at a learning rate; return what is to be reported of it."""

    def memory(self) -> dict[str, Tensor]:
        """Return what the next step depends on besides weights and gradients, live."""


@dataclass(frozen=True)
class Settings(ABC):
    """How to learn, whatever the descent. The defaults are those of `a2c.A2CConfig`."""

    total_steps: int = 10_000_000
    """Environment steps, summed over environments."""
    num_steps: int = 8
    """T, steps of each environment between updates."""
    learning_rate: float = 7e-4
    """At the start; it falls linearly to 0 at `total_steps`."""
    discount: float = 0.99
    gae_lambda: float = 0.95
    """Schulman et al. (2016); 1 gives Mnih's n-step returns."""
    entropy_coefficient: float = 0.01
    value_coefficient: float = 0.5
    normalise_advantages: bool = False
    """Whether to scale the advantages of a rollout to mean 0 and deviation 1."""
    clip_rewards: bool = False
    """Whether to learn from rewards cut to [-1, 1]; returns are always reported as they were paid."""
    seed: int = 0
    """Of the environments' first reset and of all that is drawn."""
    device: str = "cpu"
    """`cpu` or `cuda`."""
    precision: Precision = "float32"
    """Of convolutions and matrix products; weights and losses stay float32. See `fastest_precision`."""

    @abstractmethod
    def make_descent(self, network: ActorCritic, think: Think, generator: torch.Generator) -> Descent:
        """Return how the network's weights are to follow the gradient; the generator is for its draws."""
