"""What an actor-critic leaves to the algorithm: how its weights follow the gradient of its loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import torch
from torch import Tensor

from drivesim.rl.learner import Config
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


class Settings(Config, Protocol):
    """What every configuration of an actor-critic says; `a2c.A2CConfig` tells what it means."""

    @property
    def num_steps(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def discount(self) -> float: ...
    @property
    def gae_lambda(self) -> float: ...
    @property
    def entropy_coefficient(self) -> float: ...
    @property
    def value_coefficient(self) -> float: ...
    @property
    def normalise_advantages(self) -> bool: ...
    @property
    def clip_rewards(self) -> bool: ...
    @property
    def device(self) -> str: ...
    @property
    def precision(self) -> Precision: ...

    def make_descent(self, network: ActorCritic, think: Think, generator: torch.Generator) -> Descent:
        """Return how the network's weights are to follow the gradient; the generator is for its draws."""
