"""What a search ends with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from probes.state_models.state_model import kl_to_prior
from probes.states import to_states, to_stored
from probes.synthesis.chains import Chains
from probes.synthesis.landscape import Landscape, slices
from probes.synthesis.manifold import CouldBe, Found
from probes.synthesis.round_trip import squared_radius
from probes.synthesis.search_config import SearchConfig

Singles = NDArray[np.float32]
QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Curve:
    """How K chains went, over S steps."""

    objective: Singles
    """(S, K) J, the mean over a step's draws, standard deviations of the data set."""
    kl: Singles
    """(S, K) nats."""
    alpha: Singles
    """(S, K) weight of the KL."""
    radius: Singles
    """(S, K) squared radius."""
    gamma: Singles
    """(S, K) weight of half the squared radius."""

    def summary(self) -> list[dict[str, Any]]:
        """Return for each step the mean and quantiles of J over the chains, the mean KL, the median alpha."""
        quantiles = np.quantile(self.objective, QUANTILES, axis=1).T
        return [
            {
                "step": step,
                "objective": float(self.objective[step].mean()),
                "objective_quantiles": [float(q) for q in quantiles[step]],
                "kl": float(self.kl[step].mean()),
                "alpha": float(np.median(self.alpha[step])),
            }
            for step in range(len(self.objective))
        ]


@dataclass(frozen=True)
class Finding:
    """The distributions that K chains ended in, and D draws of each, in the order of the chains.

    What is shown and checked are the draws: the search raised J at draws, not at the mean, whose picture is
    kept beside them. A draw goes through the state model a few times, as it would be stored, before it is
    kept: what was there for the objective's sake alone, and no encoder would see, goes. `z` is what it is
    encoded to the last time, and decodes to the soft states.
    """

    mu: Singles
    """(K, n)"""
    log_sigma: Singles
    """(K, n)"""
    kl: NDArray[np.float64]
    """(K,) KL to the prior, nats."""
    radius: NDArray[np.float64]
    """(K,) `squared_radius`, by the real states' weights; unweighted without real states."""
    z: Singles
    """(K D, n) the draws."""
    stored: NDArray[np.uint8]
    """(K D, T, M, H, W) their states, likeliest classes and rounded levels: what a camera could take."""
    stored_mean: NDArray[np.uint8]
    """(K, T, M, H, W) the states that mu decodes to."""
    scores: Singles
    """(K D, A) what the agent says of the stored states."""
    value: Singles
    """(K D,) likewise."""
    objective: Singles
    """(K D,) J of the stored states, standard deviations of the data set."""
    objective_soft: Singles
    """(K D,) J of the soft states; far above `objective`, the search used mixtures of classes."""
    objective_mean: Singles
    """(K,) J of `stored_mean`."""
    seeds: NDArray[np.uint64]
    """(K,) of each chain's noise."""
    curve: Curve
    ended: str
    """Why the search stopped: `steps` or `stalled`."""
    settings: dict[str, Any]
    """The config, the target with its beta and scale, and the KL that was aimed at."""

    def found(self) -> Found:
        """Return what `manifold.check` asks for, one row for each draw."""
        draws = len(self.z) // len(self.mu)
        return Found(self.stored, np.repeat(self.kl, draws), np.repeat(self.radius, draws))


class _Drawn(NamedTuple):
    """What B latent vectors decode to."""

    stored: Tensor
    scores: Tensor
    value: Tensor
    objective: Tensor
    objective_soft: Tensor


def _drawn(landscape: Landscape, z: Tensor) -> _Drawn:
    """Decode z (B, n) and judge what is stored of it."""
    parts = []
    for part in slices(len(z), landscape.batch):
        soft, _, j_soft = landscape.judge(z[part], is_hard=False)
        stored = to_stored(soft, landscape.model.layout)
        hard = to_states(stored, landscape.model.layout)
        output = landscape.agent(hard)
        parts.append(_Drawn(stored, output.scores, output.value, landscape.target(output, hard), j_soft))
    return _Drawn(*(torch.cat(column).cpu() for column in zip(*parts, strict=True)))


def _settled(landscape: Landscape, z: Tensor, round_trips: int) -> Tensor:
    """Decode z (B, n) and encode what would be stored, a few times."""
    model = landscape.model
    for _ in range(round_trips):
        parts = [to_stored(model.decode(z[part]), model.layout) for part in slices(len(z), landscape.batch)]
        z = torch.cat([model.encode(to_states(stored, model.layout)).mu for stored in parts])
    return z


def _draw(landscape: Landscape, chains: Chains, config: SearchConfig, could_be: CouldBe | None) -> Tensor:
    """Draw z (K D, n), those again that show what could not be, up to `config.tries` times in all."""

    def draw(rows: Tensor) -> Tensor:
        eps = chains.draw(config.draws)
        z = (chains.mu[:, None] + chains.log_sigma.exp()[:, None] * eps).flatten(0, 1)
        return _settled(landscape, z[rows], config.round_trips)

    left = torch.arange(len(chains.mu) * config.draws, device=chains.mu.device)
    z = draw(left)
    if could_be is None:
        return z
    tried = z
    for following in range(config.tries):
        is_possible = torch.from_numpy(could_be(_stored(landscape, tried))).to(left.device)
        z[left[is_possible]] = tried[is_possible]
        left = left[~is_possible]
        if following + 1 == config.tries or not len(left):
            break
        tried = draw(left)
    return z


def _stored(landscape: Landscape, z: Tensor) -> NDArray[np.uint8]:
    """Return what would be stored of z (B, n), (B, T, M, H, W)."""
    model = landscape.model
    parts = [to_stored(model.decode(z[part]), model.layout).cpu() for part in slices(len(z), landscape.batch)]
    stored: NDArray[np.uint8] = torch.cat(parts).numpy()
    return stored


@torch.no_grad()
def conclude(
    landscape: Landscape,
    chains: Chains,
    config: SearchConfig,
    curve: Curve,
    ended: str,
    settings: dict[str, Any],
    could_be: CouldBe | None = None,
) -> Finding:
    """Draw the states of chains that have come to rest; the agent judges, in float32, what is stored.

    Args:
        landscape: in which they were.
        chains: K of them.
        config: of the search.
        curve: how they went.
        ended: why they rest.
        settings: to be kept.
        could_be: what the domain knows of which states could be.
    """
    z = _draw(landscape, chains, config, could_be)
    drawn = _drawn(landscape, z)
    at_mean = _drawn(landscape, chains.mu)
    return Finding(
        chains.mu.detach().cpu().numpy(),
        chains.log_sigma.detach().cpu().numpy(),
        kl_to_prior(chains.mu, chains.log_sigma).double().cpu().numpy(),
        squared_radius(chains.mu, chains.log_sigma, landscape.weights).double().cpu().numpy(),
        z.cpu().numpy(),
        drawn.stored.numpy(),
        at_mean.stored.numpy(),
        drawn.scores.numpy(),
        drawn.value.numpy(),
        drawn.objective.numpy(),
        drawn.objective_soft.numpy(),
        at_mean.objective.numpy(),
        np.array(chains.seeds, np.uint64),
        curve,
        ended,
        settings,
    )
