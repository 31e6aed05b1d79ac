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
    def of(numbers: Tensor) -> Gaussian:
        """Split a layer's output (B, 2 c, ...) into both."""
        mu, log_sigma = numbers.float().chunk(2, dim=1)
        return Gaussian(mu, log_sigma.clamp(*LOG_SIGMA_RANGE))

    def draw(self) -> Tensor:
        """Draw one value, differentiably."""
        return self.mu + self.log_sigma.exp() * torch.randn_like(self.mu)

    def in_units_of(self, prior: Gaussian) -> Gaussian:
        """Return what this is of u, where the latent is `prior mean + prior sigma * u`."""
        mu = (self.mu - prior.mu) * (-prior.log_sigma).exp()
        return Gaussian(mu, self.log_sigma - prior.log_sigma)

    def kl(self) -> Tensor:
        """Return the KL divergence to N(0, I) in nats (B,)."""
        terms = self.mu.square() + (2 * self.log_sigma).exp() - 1 - 2 * self.log_sigma
        return 0.5 * terms.flatten(1).sum(1)
