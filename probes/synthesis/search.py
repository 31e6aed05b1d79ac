"""Algorithm 1: find latent distributions whose states make an agent say what a target asks for (Sec. 2.2).

K chains each move N(x_mu, x_sigma^2) down E = -J(agent(g(z))) + alpha KL(x || N(0, I)), where
z = x_mu + x_sigma eps. Departures from the paper, whose way remains: `start="paper"`, a number for
alpha, no ceiling, soft classes, no round trips, one try.

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
  state model before it is kept. One that shows what could not be, where the domain can tell, is drawn again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import NamedTuple

import numpy as np
import torch

from probes.agent import Agent, ProbeError
from probes.state_models.state_model import StateModel
from probes.states import StateLayout
from probes.synthesis.chains import Chains, Multiplier, chain_seeds, start_chains
from probes.synthesis.climb import Climb, Progress, climb_all
from probes.synthesis.finding import Finding, conclude
from probes.synthesis.landscape import Landscape
from probes.synthesis.manifold import CouldBe, RealReference
from probes.synthesis.repulsion import Others
from probes.synthesis.round_trip import check_layouts, freeze_both, radius_weights
from probes.synthesis.search_config import DEFAULT, SearchConfig
from probes.synthesis.targets import Target


class Sought(NamedTuple):
    """One search's own."""

    target: Target
    """Resolved for the agent; its J is raised."""
    real: RealReference | None
    """What held-out states show; without it alpha must be a number, and nothing keeps chains apart."""


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


def _begin(
    model: StateModel, agent: Agent, sought: Sought, config: SearchConfig, device: torch.device
) -> Climb:
    target, real = sought
    multipliers = _multipliers(config, real, device)
    weights = torch.ones(model.latent_size) if real is None else radius_weights(real.sigma)
    landscape = Landscape(
        model,
        agent,
        target,
        weights.to(device),
        _others(config, model.layout, real, device),
        config.batch,
        is_hard=config.straight_through,
        is_bf16=config.precision == "bf16",
        ceiling=_ceiling(config, real),
    )
    return Climb(landscape, _start(config, model.latent_size, real, device), multipliers, config)


def _conclude(climb: Climb, config: SearchConfig, could_be: CouldBe | None) -> Finding:
    kl, radius = (multiplier.limit for multiplier in climb.multipliers)
    settings = {
        "search": asdict(config),
        "target": climb.landscape.target.to_json(),
        "limits": {"kl": kl, "radius": radius, "objective": climb.landscape.ceiling},
    }
    assert climb.ended is not None
    return conclude(climb.landscape, climb.chains, config, climb.curve(), climb.ended, settings, could_be)


def search_all(
    model: StateModel,
    agent: Agent,
    sought: Sequence[Sought],
    config: SearchConfig = DEFAULT,
    on_step: Callable[[Progress], None] | None = None,
    device: str = "cpu",
    could_be: CouldBe | None = None,
) -> list[Finding]:
    """Run Algorithm 1 for several targets side by side, each of which finds what it would find alone.

    Args:
        model: whose `decode` is searched; it and the agent are frozen and put in eval mode.
        agent: whose judgement is sought.
        sought: the targets.
        config: settings, kept in the findings.
        on_step: told of each step.
        device: where model and agent are.
        could_be: what the domain knows of which states could be; nothing unless given.

    Raises:
        ProbeError: the layouts do not fit, alpha is `auto` without real states, or a number is not finite.
    """
    check_layouts(model, agent)
    freeze_both(model, agent)
    climbs = [_begin(model, agent, one, config, torch.device(device)) for one in sought]
    climb_all(climbs, on_step)
    return [_conclude(climb, config, could_be) for climb in climbs]


def search(
    model: StateModel,
    agent: Agent,
    target: Target,
    config: SearchConfig = DEFAULT,
    real: RealReference | None = None,
    on_step: Callable[[Progress], None] | None = None,
    device: str = "cpu",
) -> Finding:
    """Run Algorithm 1 for one target; arguments and errors as of `search_all`."""
    return search_all(model, agent, [Sought(target, real)], config, on_step, device)[0]
