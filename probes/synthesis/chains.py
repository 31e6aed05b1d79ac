"""The chains of a search: where they start, what noise they draw, and what holds them to a likelihood."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Chains(NamedTuple):
    """K distributions over latent vectors, and each one's own source of noise."""

    mu: Tensor
    """(K, n)"""
    log_sigma: Tensor
    """(K, n)"""
    seeds: tuple[int, ...]
    noise: tuple[torch.Generator, ...]
    """On the CPU: the same numbers whatever the device, and whatever the other chains are."""

    def draw(self, count: int) -> Tensor:
        """Draw noise (K, count, n)."""
        eps = torch.empty(len(self.noise), count, self.mu.shape[1])
        for row, generator in zip(eps, self.noise, strict=True):
            row.normal_(generator=generator)
        return eps.to(self.mu.device)


def chain_seeds(count: int, seed: int) -> tuple[int, ...]:
    """Derive the seed of each of `count` chains from the search's seed and the chain's index alone."""
    states = (np.random.SeedSequence((seed, chain)).generate_state(1, np.uint64)[0] for chain in range(count))
    return tuple(int(state >> np.uint64(1)) for state in states)  # torch wants seeds below 2^63


def start_chains(seeds: tuple[int, ...], sigma: Tensor, device: torch.device, from_prior: bool) -> Chains:
    """Place a chain for each seed in the latent space.

    Args:
        seeds: as `chain_seeds` returns them.
        sigma: (n,) of every chain.
        device: where the chains are moved; their noise stays on the CPU.
        from_prior: whether mu is drawn from N(0, 1 - sigma^2), so that z is distributed as the prior is;
            otherwise it is 0.

    Returns:
        chains whose mu and log_sigma ask for gradients.
    """
    noise = tuple(torch.Generator().manual_seed(seed) for seed in seeds)
    sigma = sigma.float().cpu().clamp(1e-4, 1.0)
    mu = torch.zeros(len(seeds), len(sigma))
    log_sigma = sigma.log().repeat(len(seeds), 1)
    chains = Chains(mu, log_sigma, seeds, noise)
    if from_prior:
        mu = chains.draw(1)[:, 0] * (1 - sigma**2).sqrt()
    return Chains(mu.to(device).requires_grad_(), log_sigma.to(device).requires_grad_(), seeds, noise)


class Multiplier:
    """What each chain's KL or radius weighs: fixed, or the Lagrange multiplier that holds it at a limit.

    log weight = P error + I * the sum of past errors, the error being the excess relative to the limit. The
    proportional part damps the swings that the integral alone would make, for the KL follows slowly.
    """

    PROPORTIONAL = 5.0
    INTEGRAL = 0.2
    REACH = 8.0
    """How far the sum may go: what was long below its limit must soon be felt above it."""

    def __init__(self, weight: Tensor, limit: float | None) -> None:
        """Start from a weight (K,), which stays without a limit."""
        self.weight = weight
        self.limit = limit
        self._first = weight
        self._sum = torch.zeros_like(weight)

    def update(self, found: Tensor) -> None:
        """Set the weight for a step that begins with what is held (K,)."""
        if self.limit is None:
            return
        error = (found / self.limit - 1).clamp(-1, 1)
        self._sum = (self._sum + self.INTEGRAL * error).clamp(-self.REACH, self.REACH)
        self.weight = self._first * (self._sum + self.PROPORTIONAL * error).exp()
