"""Algorithm 1: find latent distributions whose states make an agent say what a target asks for (Sec. 2.2).

K chains each move N(x_mu, x_sigma^2) down E = -J(agent(g(z))) + alpha KL(x || N(0, I)), where
z = x_mu + x_sigma eps. Departures from the paper, whose way remains: `start="paper"`, a number for
alpha, no ceiling, soft classes, no round trips.

- A chain starts from its own draw of the prior. x_sigma is the root mean square of real states' posterior
  sigma, and x_mu is drawn from N(0, 1 - x_sigma^2). Then z is distributed exactly as the prior is, and the KL
  is about that of a real state. (A draw of the prior as x_mu with a small x_sigma would cost -ln sigma nats
  in each of the thousands of dimensions that real states leave open; with sigma 1 around it, z would lie at
  twice the prior's |z|^2.)
- alpha is the Lagrange multiplier that holds each chain's KL at the median of encoded real states, and a
  second one, gamma, holds the squared radius (`round_trip.squared_radius`), without which chains obey the KL
  and leave the real states all the same.
- J earns nothing beyond a ceiling above the real states' maximum: a far higher J is had only far from them.
- The agent judges the likeliest classes, as in every state that is recorded, and a draw goes through the
  state model before it is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from probes.agent import Agent, ProbeError
from probes.state_models.state_model import StateModel, kl_to_prior
from probes.states import StateLayout
from probes.synthesis.chains import Chains, Multiplier, chain_seeds, start_chains
from probes.synthesis.finding import Curve, Finding, conclude
from probes.synthesis.landscape import Landscape
from probes.synthesis.manifold import RealReference
from probes.synthesis.repulsion import Others
from probes.synthesis.round_trip import check_layouts, freeze_both, radius_weights, squared_radius
from probes.synthesis.targets import Target


@dataclass(frozen=True)
class SearchConfig:
    """Settings of a search. The paper gives none of its own but the start and sigma."""

    chains: int = 64
    """K."""
    draws: int = 1
    """States drawn of each chain at the end; one chain and many draws is the paper's one x, many samples."""
    steps: int = 500
    alpha: float | Literal["auto"] = "auto"
    """Weight of the KL, standard deviations of J for each nat; `auto` holds the KL at `quantile`."""
    quantile: float = 0.5
    """Of the real states' KL and squared radius: a finding is as probable as the median real state."""
    ceiling: float | None = 0.5
    """J above the real states' maximum, in standard deviations, from which on more earns nothing, so that a
    chain goes no further from the ordinary than it must to pass them all. None, or no real states: no end."""
    step_size: float = 0.05
    optimiser: Literal["adam", "sgd"] = "adam"
    start: Literal["prior", "paper"] = "prior"
    """`paper` is x_mu = 0, x_sigma = 1 for every chain."""
    start_sigma: float = 0.1
    """x_sigma of a start from the prior when no real states are given to take it from."""
    samples_per_step: int = 1
    """Draws over which a step's J is averaged."""
    straight_through: bool = True
    """Whether the agent judges the likeliest classes instead of soft ones, the gradient passing as if they
    were soft: an agent that mixes the colours of soft classes may take a mixture for a third class, and J
    of soft states was half of that of the stored ones, so that a ceiling held nothing."""
    round_trips: int = 2
    """Times that a draw goes through the state model before it is kept; see `finding.Finding`."""
    diversity: float = 5.0
    """Standard deviations of J that a chain pays for showing the same picture as all others; nothing once it
    disagrees with them by `diversity_goal`. Needs real states; 0 switches it off."""
    diversity_goal: float = 0.7
    """Share of the disagreement of the real states of highest J."""
    patience: int = 0
    """Stop when the mean J of so many steps is less than 0.01 above that of as many before; 0 never does."""
    precision: Literal["float32", "bf16"] = "float32"
    batch: int = 32
    """Chains that are decoded at once; bounds the memory."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("chains", "draws", "steps", "samples_per_step", "batch"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        for name in ("diversity", "patience", "seed", "round_trips"):
            _require(getattr(self, name) >= 0, name, getattr(self, name), "at least 0")
        for name in ("step_size", "start_sigma", "diversity_goal"):
            value = getattr(self, name)
            _require(0 < value < math.inf, name, value, "a number above 0")
        _require(
            self.alpha == "auto" or 0 <= float(self.alpha) < math.inf, "alpha", self.alpha, "auto or >= 0"
        )
        _require(0 < self.quantile <= 1, "quantile", self.quantile, "above 0, at most 1")


def _require(is_met: bool, name: str, found: object, allowed: str) -> None:
    if not is_met:
        raise ProbeError(f"search: {name} is {found!r}; allowed is {allowed}")


DEFAULT = SearchConfig()
STALL = 0.01
"""Standard deviations of J that count as progress."""


class Progress(NamedTuple):
    """What a search tells after each step."""

    step: int
    """Steps done."""
    steps: int
    objective: float
    """Mean J."""
    kl: float
    """Mean, nats."""


def _others(
    config: SearchConfig, layout: StateLayout, real: RealReference | None, device: torch.device
) -> Others | None:
    if config.diversity == 0 or config.chains == 1 or real is None or real.disagreement == 0:
        return None
    goal = config.diversity_goal * real.disagreement
    return Others(config.chains, layout, config.diversity, goal, device)


def _multipliers(
    config: SearchConfig, real: RealReference | None, device: torch.device
) -> tuple[Multiplier, Multiplier]:
    """Return what weighs the KL, and what weighs half the squared radius."""
    weights = torch.ones(config.chains, device=device)
    if config.alpha != "auto":
        return Multiplier(weights * config.alpha, None), Multiplier(weights * 0, None)
    if real is None:
        raise ProbeError("search: alpha 'auto' follows from real states: give some, or a number for alpha")
    limits = [float(np.quantile(of, config.quantile)) for of in (real.measured.kl, real.measured.radius)]
    if not min(limits) > 0:
        raise ProbeError("search: the KL of real states is 0: the state model ignores what it encodes")
    # at first, the whole KL of a real state costs one standard deviation of J
    return Multiplier(weights / limits[0], limits[0]), Multiplier(weights / limits[1], limits[1])


def _ceiling(config: SearchConfig, real: RealReference | None) -> float | None:
    if config.ceiling is None or real is None:
        return None
    return config.ceiling + float(real.measured.objective.max())


def _start(config: SearchConfig, size: int, real: RealReference | None, device: torch.device) -> Chains:
    seeds = chain_seeds(config.chains, config.seed)
    if config.start == "paper":
        return start_chains(seeds, torch.ones(size), device, from_prior=False)
    sigma = torch.full((size,), config.start_sigma) if real is None else torch.from_numpy(real.sigma)
    return start_chains(seeds, sigma, device, from_prior=True)


def _optimiser(chains: Chains, config: SearchConfig) -> torch.optim.Optimizer:
    parameters = [chains.mu, chains.log_sigma]
    if config.optimiser == "sgd":
        return torch.optim.SGD(parameters, lr=config.step_size)
    return torch.optim.Adam(parameters, lr=config.step_size)


def _check_finite(chains: Chains, objective: Tensor, step: int) -> None:
    """Raise ProbeError if a chain's J or gradient is NaN or infinite."""
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
                f"search: step {step}: {name} of chains {numbers} is NaN or infinite: the state model or the "
                "agent is broken, or the step size too large"
            )


def _is_stalled(rows: list[list[Tensor]], patience: int) -> bool:
    """Tell whether the mean J, the first of a row, has hardly risen for `patience` steps."""
    if not patience or len(rows) < 2 * patience:
        return False
    mean = torch.stack([row[0] for row in rows[-2 * patience :]]).mean(1)
    return float(mean[patience:].mean() - mean[:patience].mean()) < STALL


def _climb(
    landscape: Landscape,
    chains: Chains,
    multipliers: tuple[Multiplier, Multiplier],
    config: SearchConfig,
    on_step: Callable[[Progress], None] | None,
) -> tuple[Curve, str]:
    """Take the steps; return how they went and why they ended."""
    alpha, gamma = multipliers
    optimiser = _optimiser(chains, config)
    rows: list[list[Tensor]] = []
    for step in range(config.steps):
        with torch.no_grad():
            kl = kl_to_prior(chains.mu, chains.log_sigma)
            radius = squared_radius(chains.mu, chains.log_sigma, landscape.weights)
        alpha.update(kl)
        gamma.update(radius)
        optimiser.zero_grad()
        objective = landscape.descend(chains, alpha.weight, gamma.weight, config.samples_per_step)
        _check_finite(chains, objective, step)
        optimiser.step()
        rows.append([one.cpu() for one in (objective, kl, alpha.weight, radius, gamma.weight)])
        if on_step is not None:
            on_step(Progress(step + 1, config.steps, float(objective.mean()), float(kl.mean())))
        if _is_stalled(rows, config.patience):
            break
    ended = "steps" if len(rows) == config.steps else "stalled"
    return Curve(*(torch.stack(column).numpy() for column in zip(*rows, strict=True))), ended


def search(
    model: StateModel,
    agent: Agent,
    target: Target,
    config: SearchConfig = DEFAULT,
    real: RealReference | None = None,
    on_step: Callable[[Progress], None] | None = None,
    device: str = "cpu",
) -> Finding:
    """Run Algorithm 1.

    Args:
        model: whose `decode` is searched; it and the agent are frozen and put in eval mode.
        agent: whose judgement is sought.
        target: resolved for this agent; its J is raised.
        config: settings, kept in the finding.
        real: what held-out states show; without it alpha must be a number, and nothing keeps chains apart.
        on_step: told of each step.
        device: where model and agent are.

    Raises:
        ProbeError: the layouts do not fit, alpha is `auto` without real states, or a number is not finite.
    """
    check_layouts(model, agent)
    freeze_both(model, agent)
    place = torch.device(device)
    multipliers = _multipliers(config, real, place)
    weights = torch.ones(model.latent_size) if real is None else radius_weights(real.sigma)
    landscape = Landscape(
        model,
        agent,
        target,
        weights.to(place),
        _others(config, model.layout, real, place),
        config.batch,
        is_hard=config.straight_through,
        is_bf16=config.precision == "bf16",
        ceiling=_ceiling(config, real),
    )
    chains = _start(config, model.latent_size, real, place)
    curve, ended = _climb(landscape, chains, multipliers, config, on_step)
    kl, radius = (multiplier.limit for multiplier in multipliers)
    settings = {
        "search": asdict(config),
        "target": target.to_json(),
        "limits": {"kl": kl, "radius": radius, "objective": landscape.ceiling},
    }
    return conclude(landscape, chains, config.draws, curve, ended, settings, config.round_trips)
