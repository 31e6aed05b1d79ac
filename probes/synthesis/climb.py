"""The steps of Algorithm 1: chains that climb their landscapes, those of several searches side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from probes.agent import ProbeError
from probes.state_models.state_model import kl_to_prior
from probes.synthesis.chains import Chains, Multiplier
from probes.synthesis.finding import Curve
from probes.synthesis.landscape import Landscape, Slope, descend
from probes.synthesis.round_trip import squared_radius
from probes.synthesis.search_config import SearchConfig

STALL = 0.01
"""Standard deviations of J that count as progress."""


class Progress(NamedTuple):
    """What a search tells after each step."""

    target: str
    """Whose search it is."""
    step: int
    """Steps done."""
    steps: int
    objective: float
    """Mean J."""
    kl: float
    """Mean, nats."""


class Climb:
    """A search under way."""

    def __init__(
        self,
        landscape: Landscape,
        chains: Chains,
        multipliers: tuple[Multiplier, Multiplier],
        config: SearchConfig,
    ) -> None:
        """Stand at the start.

        Args:
            landscape: what is climbed.
            chains: that climb it.
            multipliers: what weighs the KL, and what weighs half the squared radius.
            config: how many steps there are, of what size, and when they end early.
        """
        self.landscape, self.chains, self.multipliers = landscape, chains, multipliers
        self.ended: str | None = None
        """Why there are no more steps: `steps` or `stalled`."""
        self._config = config
        self._optimiser = _optimiser(chains, config)
        self._weighed: list[Tensor] = []
        """KL, alpha, squared radius and gamma before the coming step, (K,) each."""
        self._rows: list[list[Tensor]] = []
        """Of each step taken J, and what was weighed before it."""

    def slope(self) -> Slope:
        """Weigh KL and squared radius as they now are, and return what the next step goes down."""
        alpha, gamma = self.multipliers
        with torch.no_grad():
            kl = kl_to_prior(self.chains.mu, self.chains.log_sigma)
            radius = squared_radius(self.chains.mu, self.chains.log_sigma, self.landscape.weights)
        alpha.update(kl)
        gamma.update(radius)
        self._weighed = [one.cpu() for one in (kl, alpha.weight, radius, gamma.weight)]
        return Slope(self.landscape, self.chains, alpha.weight, gamma.weight, self._config.samples_per_step)

    def step(self, objective: Tensor) -> Progress:
        """Take a step down the slope; J (K,) is what the chains had before it.

        Raises:
            ProbeError: J or a gradient is not finite.
        """
        name, kl = self.landscape.target.name, self._weighed[0]
        _check_finite(self.chains, objective, f"search {name}: step {len(self._rows)}")
        self._optimiser.step()
        self._rows.append([objective.cpu(), *self._weighed])
        if len(self._rows) == self._config.steps:
            self.ended = "steps"
        elif _is_stalled(self._rows, self._config.patience):
            self.ended = "stalled"
        return Progress(name, len(self._rows), self._config.steps, float(objective.mean()), float(kl.mean()))

    def curve(self) -> Curve:
        """Return how the steps went."""
        return Curve(*(torch.stack(column).numpy() for column in zip(*self._rows, strict=True)))


def climb_all(climbs: Sequence[Climb], on_step: Callable[[Progress], None] | None = None) -> None:
    """Take the steps of several searches, each until its end; none changes what another finds.

    Args:
        climbs: of one device.
        on_step: told of each step of each search.

    Raises:
        ProbeError: a number is not finite.
    """
    while under_way := [climb for climb in climbs if climb.ended is None]:
        objectives = descend([climb.slope() for climb in under_way])
        for climb, objective in zip(under_way, objectives, strict=True):
            progress = climb.step(objective)
            if on_step is not None:
                on_step(progress)


def _optimiser(chains: Chains, config: SearchConfig) -> torch.optim.Optimizer:
    parameters = [chains.mu, chains.log_sigma]
    if config.optimiser == "sgd":
        return torch.optim.SGD(parameters, lr=config.step_size)
    return torch.optim.Adam(parameters, lr=config.step_size)


def _check_finite(chains: Chains, objective: Tensor, where: str) -> None:
    """Raise ProbeError, which begins with `where`, if a chain's J or gradient is NaN or infinite."""
    values = {
        "J": objective,
        "the gradient of mu": chains.mu.grad,
        "that of log sigma": chains.log_sigma.grad,
    }
    for name, value in values.items():
        assert value is not None
        bad = ~torch.isfinite(value.reshape(len(value), -1)).all(1)
        if bool(bad.any()):
            numbers = bad.nonzero()[:, 0].tolist()
            raise ProbeError(
                f"{where}: {name} of chains {numbers} is NaN or infinite: the state model or the agent is "
                "broken, or the step size too large"
            )


def _is_stalled(rows: list[list[Tensor]], patience: int) -> bool:
    """Tell whether the mean J, the first of a row, has hardly risen for `patience` steps."""
    if not patience or len(rows) < 2 * patience:
        return False
    mean = torch.stack([row[0] for row in rows[-2 * patience :]]).mean(1)
    return float(mean[patience:].mean() - mean[:patience].mean()) < STALL
