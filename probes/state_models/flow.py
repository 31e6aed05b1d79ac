"""Priors in several steps, each a Gaussian given what is drawn: together they need not be Gaussian at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from probes.state_models.gaussian import Gaussian


class FlowStep(Protocol):
    """One step: a prior of numbers v that are drawn one group after the other."""

    def given(self, v: Tensor, *above: Tensor) -> Gaussian:
        """Return the prior of every number, given the groups before its own and what lies above."""
        ...

    def __call__(self, u: Tensor, *above: Tensor) -> Tensor:
        """Return v of u, whose prior is N(0, I)."""
        ...


class Flow(nn.Module):
    """Steps that turn N(0, I) into what latents are like (after Papamakarios et al., MAF, 2017).

    Args:
        steps: the first is the nearest to the latents.
    """

    def __init__(self, steps: Sequence[nn.Module]) -> None:
        super().__init__()
        self.steps = nn.ModuleList(steps)

    @staticmethod
    def alternating(step: type[nn.Module], shape: tuple[Any, ...], count: int) -> Flow:
        """Return a flow of so many steps, every second backwards: each sees what the one before could not."""
        return Flow([step(*shape, backwards=bool(number % 2)) for number in range(count)])

    def _steps(self) -> list[FlowStep]:
        return list(self.steps)  # type: ignore[arg-type]  # a ModuleList forgets what its modules are

    def forward(self, u: Tensor, *above: Tensor) -> Tensor:
        """Return the latents of u, given what lies above them."""
        for step in reversed(self._steps()):
            u = step(u, *above)
        return u

    def in_units(self, posterior: Gaussian, v: Tensor, *above: Tensor) -> Gaussian:
        """Return what a posterior of v is of u, each number moving alone while the others are those of v."""
        return self._follow(posterior, v, *above)[0]

    def divergence(self, posterior: Gaussian, v: Tensor, *above: Tensor) -> Tensor:
        """Estimate the KL divergence (B,) of a posterior to this prior, in nats, by one draw v of it."""
        told, u = self._follow(posterior, v, *above)
        return (0.5 * (u.square() - posterior.noise(v).square()) - told.log_sigma).flatten(1).sum(1)

    def _follow(self, posterior: Gaussian, v: Tensor, *above: Tensor) -> tuple[Gaussian, Tensor]:
        for step in self._steps():
            prior = step.given(v, *above)
            posterior = posterior.in_units_of(prior)
            v = prior.noise(v)
        return posterior, v
