"""Encoding and decoding states, and what the agent says before and after (the checks of a finding).

A finding is stored as bytes, as a recorded state is, and goes through the same function as real states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from probes.agent import Agent, AgentOutput, ProbeError, freeze
from probes.state_models.state_model import Posterior, StateModel, kl_to_prior
from probes.states import to_states, to_stored
from probes.synthesis.diversity import different_pixels
from probes.synthesis.targets import Target

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """What encoding and decoding says of N stored states."""

    kl: Floats
    """(N,) KL of the encoder's posterior to the prior, nats."""
    radius: Floats
    """(N,) `squared_radius` of the posterior."""
    objective: Floats
    """(N,) J of the stored state, standard deviations of the data set."""
    agreement: Floats
    """(N,) share of pixels that look the same after the round trip (decode, encode, decode for a finding)."""
    output_change: Floats
    """(N,) root mean square change of the agent's scores and value by it, each in standard deviations."""


class Probed(NamedTuple):
    """What findings and real states are measured with."""

    model: StateModel
    agent: Agent
    target: Target
    output_scale: NDArray[np.float32]
    """(A + 1,) standard deviations of the agent's scores and value."""


@dataclass(frozen=True)
class Pace:
    """How measuring is carried out; it changes no result."""

    batch: int = 64
    """States at a time."""
    device: str = "cpu"
    """Where the model and the agent are."""
    on_batch: Callable[[int, int], None] | None = None
    """Told how many states are done, of how many."""


DEFAULT_PACE = Pace()


def check_layouts(model: StateModel, agent: Agent) -> None:
    """Raise ProbeError unless the agent sees the states that the state model makes."""
    if model.layout != agent.layout:
        raise ProbeError(
            f"the state model makes states of {model.layout}, the agent sees {agent.layout}: "
            "fit a state model on states of this agent"
        )


def freeze_both(model: StateModel, agent: Agent) -> None:
    """Put the state model and the agent in eval mode, without gradients of their weights."""
    freeze(agent)
    if isinstance(model, nn.Module):
        model.eval().requires_grad_(False)


def squared_radius(mu: Tensor, log_sigma: Tensor, weights: Tensor) -> Tensor:
    """Return sum_i w_i z_i^2 (B,) as expected of draws z of N(mu, sigma^2), both (B, n).

    The weights w_i = 1 - mean sigma_i^2 of real states say how far they pin a dimension down: the many that
    mean nothing would hide an excess in the few that matter. Of draws, because |mu|^2 alone is larger the
    sharper a posterior is, and no less probable for it. The KL does not replace it: real states pay it, as
    -ln sigma, for precision in all dimensions, a search only where its objective looks, and the rest would
    buy a far mu.
    """
    return (weights * (mu.square() + (2 * log_sigma).exp())).sum(1)


def output_scale(scores: NDArray[np.floating], value: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the standard deviations (A + 1,) of scores (N, A) and value (N,); 1 where one is constant."""
    spread = np.column_stack([scores, value]).astype(np.float64).std(axis=0)
    return np.where(spread > 0, spread, 1.0).astype(np.float32)


class _Trip(NamedTuple):
    """One batch's round trip."""

    posterior: Posterior
    objective: Tensor
    agreement: Floats
    output_change: Tensor


def _round_trip(probed: Probed, stored: Tensor) -> _Trip:
    """Encode, decode and judge stored states (B, T, M, H, W), uint8 on the models' device."""
    layout = probed.model.layout
    states = to_states(stored, layout)
    posterior = probed.model.encode(states)
    output = probed.agent(states)
    rebuilt = probed.model.decode(posterior.mu)
    change = _stacked(probed.agent(rebuilt)) - _stacked(output)
    change = change / torch.from_numpy(probed.output_scale).to(change)
    differs = different_pixels(to_stored(rebuilt, layout).cpu().numpy(), stored.cpu().numpy(), layout)
    agreement = 1.0 - differs.mean(axis=(1, 2, 3))
    return _Trip(posterior, probed.target(output, states), agreement, change.square().mean(1).sqrt())


def _stacked(output: AgentOutput) -> Tensor:
    return torch.cat([output.scores, output.value[:, None]], dim=1)  # (B, A + 1)


def _floats(tensors: Sequence[Tensor]) -> Floats:
    return torch.cat(list(tensors)).double().cpu().numpy()


def stored_batches(
    read: Callable[[NDArray[np.int64]], NDArray[np.uint8]], indices: NDArray[np.int64], pace: Pace
) -> Iterator[Tensor]:
    """Yield the stored states of some indices (B, T, M, H, W), on the device and `pace.batch` at a time."""
    for start in range(0, len(indices), pace.batch):
        yield torch.from_numpy(read(indices[start : start + pace.batch])).to(pace.device)
        if pace.on_batch is not None:
            pace.on_batch(min(start + pace.batch, len(indices)), len(indices))


@torch.no_grad()
def measure(
    probed: Probed, batches: Iterator[Tensor], sigma: NDArray[np.float32] | None = None
) -> tuple[Measured, NDArray[np.float32]]:
    """Measure stored states by their round trip.

    Args:
        probed: what encodes, decodes and judges.
        batches: of stored states (B, T, M, H, W), as `stored_batches` yields them.
        sigma: (n,) of real states; without, these states are the real ones.

    Returns:
        the measures, and sigma (n,): the one given, or the root mean square of these posteriors' sigma.

    Raises:
        ProbeError: a measure is not finite.
    """
    trips = [_round_trip(probed, stored) for stored in batches]
    mu = torch.cat([trip.posterior.mu for trip in trips])
    log_sigma = torch.cat([trip.posterior.log_sigma for trip in trips])
    if sigma is None:
        sigma = (2 * log_sigma).exp().mean(0).sqrt().float().cpu().numpy()
    weights = radius_weights(sigma).to(mu)
    measured = Measured(
        _floats([kl_to_prior(mu, log_sigma)]),
        _floats([squared_radius(mu, log_sigma, weights)]),
        _floats([trip.objective for trip in trips]),
        np.concatenate([trip.agreement for trip in trips]),
        _floats([trip.output_change for trip in trips]),
    )
    _check_finite(measured)
    return measured, sigma


def _check_finite(measured: Measured) -> None:
    for name, values in vars(measured).items():
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise ProbeError(
                f"{name} of state {bad[0]} is not finite: the state model or the agent is broken"
            )


def radius_weights(sigma: NDArray[np.float32]) -> Tensor:
    """Return the weights (n,) of `squared_radius` for real states' root mean square sigma (n,)."""
    return (1.0 - torch.from_numpy(sigma).square()).clamp(0.0, 1.0)
