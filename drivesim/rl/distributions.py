"""The two policies a network can express: a choice among A actions, or a Gaussian over A numbers.

`policy` is the network's output: logits (B, A), or means and log standard deviations (B, 2 A).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def sample(policy: Tensor, continuous: bool, generator: torch.Generator) -> Tensor:
    """Draw one action per state: (B,) int64, or (B, A) float."""
    if continuous:
        mean, log_std = policy.chunk(2, dim=1)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        return mean + log_std.exp() * noise
    return torch.multinomial(policy.softmax(dim=1), 1, generator=generator).squeeze(1)


def most_likely(policy: Tensor, continuous: bool) -> Tensor:
    """Return the mode of each state's policy: (B,) int64, or (B, A) float."""
    return policy.chunk(2, dim=1)[0] if continuous else policy.argmax(dim=1)


def log_probability(policy: Tensor, actions: Tensor, continuous: bool) -> Tensor:
    """Return the log-probability (density) (B,) of actions (B,) or (B, A)."""
    if continuous:
        mean, log_std = policy.chunk(2, dim=1)
        standard = (actions - mean) / log_std.exp()
        return (-0.5 * standard**2 - log_std - 0.5 * math.log(2 * math.pi)).sum(dim=1)
    return policy.log_softmax(dim=1).gather(1, actions.unsqueeze(1)).squeeze(1)


def entropy(policy: Tensor, continuous: bool) -> Tensor:
    """Return the entropy (B,) in nats."""
    if continuous:
        _, log_std = policy.chunk(2, dim=1)
        return (log_std + 0.5 * math.log(2 * math.pi * math.e)).sum(dim=1)
    log_probabilities = policy.log_softmax(dim=1)
    return -(log_probabilities.exp() * log_probabilities).sum(dim=1)
