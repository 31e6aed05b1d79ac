"""ACKTR: Wu, Mansimov, Liao, Grosse, Ba (2017), actor-critic by natural gradients within a trust region.

Only the descent differs from A2C; rollouts and losses are those of `a2c.Learner`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from drivesim.rl.descent import Descent, Settings, Think
from drivesim.rl.distributions import log_probability, sample
from drivesim.rl.kfac import Curvature
from drivesim.rl.networks import ActorCritic
from drivesim.rl.rollout import Rollout

LOG_STD_CURVATURE = 2.0
"""Of a Gaussian by the logarithm of its standard deviation, the only weight that is in no layer."""


@dataclass(frozen=True)
class ACKTRConfig(Settings):
    """How to learn. The defaults are Kostrikov's, which are Wu et al.'s, for 32 environments."""

    num_steps: int = 20
    learning_rate: float = 0.25
    """The most that a step is scaled by, at the start; it falls linearly to 0 at `total_steps`."""
    gae_lambda: float = 1.0
    trust_region: float = 1e-3
    """delta, how far a step may take the outputs' distribution, as a Kullback-Leibler divergence."""
    momentum: float = 0.9
    damping: float = 1e-2
    """Added to the Fisher matrix, which stays float32; see `kfac.damped_inverses`."""
    curvature_decay: float = 0.99
    """Of the running means of the Fisher matrix, an update."""
    curvature_every: int = 4
    """One step of a rollout in so many gives the states that the Fisher matrix is estimated from. Wu et al.
    take all (1), which costs more than the rest of an update; a mean over 100 updates does not need them."""
    inverse_every: int = 10
    """Updates between two inversions of the Fisher matrix."""

    def __post_init__(self) -> None:
        for name in ("total_steps", "num_steps", "curvature_every", "inverse_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, it must be at least 1")
        for name in ("trust_region", "damping"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}, it must be above 0")
        for name in ("momentum", "curvature_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, it must lie in 0 to below 1")

    def make_descent(self, network: ActorCritic, think: Think, generator: torch.Generator) -> Descent:
        """Return the descent along natural gradients."""
        return TrustRegion(network, self, think, generator)


def drawn_log_likelihood(
    policy: Tensor, values: Tensor, continuous: bool, generator: torch.Generator
) -> Tensor:
    """Return the log-likelihood (), summed over B states, of outputs drawn from the network itself.

    An action is drawn from the policy and a return from a Gaussian of deviation 1 around the value, Wu et al.
    (2017), Sec. 3.1, both independently.

    Args:
        policy: (B, ...) with its graph.
        values: (B,) with its graph.
        continuous: what kind of policy it is.
        generator: of the draws.
    """
    with torch.no_grad():
        actions = sample(policy, continuous, generator)
        returns = values + torch.randn(values.shape, generator=generator, device=values.device)
    of_actions = log_probability(policy, actions, continuous)
    return (of_actions - 0.5 * (returns - values) ** 2).sum()


def step_size(natural_product: float, trust_region: float, most: float) -> float:
    """Return min(most, sqrt(2 delta / g^T F^-1 g)), Wu et al. (2017), Sec. 3.2.

    A step of that size along v = F^-1 g changes the outputs' distribution by 1/2 v^T F v <= delta at most.

    Args:
        natural_product: g^T F^-1 g = v^T F v.
        trust_region: delta.
        most: eta_max.
    """
    return min(most, math.sqrt(2 * trust_region / max(natural_product, 1e-30)))


class TrustRegion:
    """Descends along natural gradients; see `descent.Descent`.

    Args:
        network: its weights change in place.
        config: how.
        think: the network's head in the precision of learning.
        generator: of the draws that the Fisher matrix is estimated from.
    """

    def __init__(
        self, network: ActorCritic, config: ACKTRConfig, think: Think, generator: torch.Generator
    ) -> None:
        self._network = network
        self._config = config
        self._think = think
        self._generator = generator
        self._parameters = list(network.parameters())
        self._velocities = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._curvature = Curvature(network, config.curvature_decay, config.damping, config.inverse_every)

    def measure(self, rollout: Rollout) -> dict[str, float]:
        """Estimate the curvature at a part of the rollout's states; see `Descent`."""
        features = torch.cat(rollout.features[:: self._config.curvature_every])
        continuous = self._network.config.continuous

        def likelihood() -> Tensor:
            policy, values = self._think(features)
            return drawn_log_likelihood(policy, values, continuous, self._generator)

        norms = torch.stack([_gradient(parameter).norm() for parameter in self._parameters])
        report = {"gradient_norm": norms.norm().item()}
        try:
            self._curvature.observe(likelihood)
        except ArithmeticError:
            report["curvature"] = math.nan
        return report

    @torch.no_grad()
    def step(self, rate: float) -> dict[str, float]:
        """Step along the natural gradient, no further than the trust region allows; see `Descent`."""
        directions = self._directions(self._curvature.natural_gradients())
        product = sum((_gradient(p) * d).sum() for p, d in zip(self._parameters, directions, strict=True))
        size = step_size(float(product), self._config.trust_region, rate)
        momentum = self._config.momentum
        for parameter, velocity, direction in zip(
            self._parameters, self._velocities, directions, strict=True
        ):
            # The mean of past steps rather than their sum, which would leave the trust region.
            velocity.mul_(momentum).add_(direction, alpha=(1 - momentum) * size)
            parameter.sub_(velocity)
        return {"learning_rate": rate, "step_size": size}

    def memory(self) -> dict[str, Tensor]:
        """Return velocities and curvature."""
        velocities = {f"velocity.{i}": velocity for i, velocity in enumerate(self._velocities)}
        return velocities | {f"curvature.{name}": t for name, t in self._curvature.memory().items()}

    def _directions(self, known: Mapping[Tensor, Tensor]) -> list[Tensor]:
        """Return natural gradients for all weights, those of no layer included."""
        scale = 1 / (LOG_STD_CURVATURE + self._config.damping)
        return [known[p] if p in known else _gradient(p) * scale for p in self._parameters]


def _gradient(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad
