"""Gaussians of latents, in the units of a prior."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

LOG_SIGMA_RANGE = (-6.0, 1.0)
"""Of a posterior, in units of its prior; wider ones only overflow early in training."""


class Gaussian(NamedTuple):
    """Of a latent, in the units of its own prior: N(0, I) is the prior itself."""

    mu: Tensor
    log_sigma: Tensor

    @staticmethod
    def of(numbers: Tensor, log_sigma_range: tuple[float, float] = LOG_SIGMA_RANGE, dim: int = 1) -> Gaussian:
        """Split a layer's output along a dimension, the means first; half precision becomes single."""
        mu, log_sigma = numbers.to(torch.promote_types(numbers.dtype, torch.float32)).chunk(2, dim=dim)
        return Gaussian(mu, log_sigma.clamp(*log_sigma_range))

    def value(self, noise: Tensor) -> Tensor:
        """Return what it makes of N(0, I)."""
        return self.mu + self.log_sigma.exp() * noise

    def noise(self, value: Tensor) -> Tensor:
        """Return what of N(0, I) it makes a value of."""
        return (value - self.mu) * (-self.log_sigma).exp()

    def draw(self) -> Tensor:
        """Draw one value, differentiably."""
        return self.value(torch.randn_like(self.mu))

    def in_units_of(self, prior: Gaussian) -> Gaussian:
        """Return what this is of u, where the latent is `prior mean + prior sigma * u`."""
        return Gaussian(prior.noise(self.mu), self.log_sigma - prior.log_sigma)

    def kl(self) -> Tensor:
        """Return the KL divergence to N(0, I) in nats (B,)."""
        terms = self.mu.square() + (2 * self.log_sigma).exp() - 1 - 2 * self.log_sigma
        return 0.5 * terms.flatten(1).sum(1)
