"""What synthesises states: an encoder f and a decoder g around one latent vector for a stack (Sec. 2.1)."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from probes.states import StateLayout


class Posterior(NamedTuple):
    """Gaussians over the latent vector, one per state."""

    mu: Tensor
    """(B, n)"""
    log_sigma: Tensor
    """(B, n)"""


class StateModel(Protocol):
    """An encoder and a decoder. The prior of the latent vector is N(0, I) for every model."""

    layout: StateLayout

    @property
    def latent_size(self) -> int:
        """n, the numbers in a latent vector."""
        ...

    def encode(self, states: Tensor) -> Posterior:
        """Describe float states (B, T, C, H, W)."""
        ...

    def decode(self, z: Tensor) -> Tensor:
        """Return states (B, T, C, H, W) of latent vectors (B, n), seeing nothing else.

        Class channels are a softmax, levels lie in [0, 1].
        """
        ...


@runtime_checkable
class Reconstructor(Protocol):
    """A state model that knows a shorter way through itself than by its latent vector."""

    def reconstruct(self, states: Tensor) -> Tensor:
        """Return `decode(encode(states).mu)` of states (B, T, C, H, W)."""
        ...


def kl_to_prior(mu: Tensor, log_sigma: Tensor) -> Tensor:
    """Return KL(N(mu, sigma) || N(0, I)) in nats (B,), summed over the n dimensions of (B, n)."""
    return 0.5 * (mu.square() + (2 * log_sigma).exp() - 1 - 2 * log_sigma).sum(dim=1)


def reconstruct(model: StateModel, states: Tensor) -> Tensor:
    """Return g(mu(s)) of states (B, T, C, H, W): what the agent sees through the goggles."""
    if isinstance(model, Reconstructor):
        return model.reconstruct(states)
    return model.decode(model.encode(states).mu)


@torch.no_grad()
def sample_prior(model: StateModel, count: int, seed: int) -> Tensor:
    """Decode `count` draws of the prior; the same seed gives the same states (count, T, C, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    return model.decode(torch.randn(count, model.latent_size, generator=generator))
