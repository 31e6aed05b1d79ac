"""The losses of the paper's state model: L = Lp + eta * La + lambda * KL (Sec. 2.1, Eqs. 1 to 3).

Each returns a number per state; averaging over the batch is the caller's.
"""

from __future__ import annotations

import torch
from torch import Tensor

from probes.agent import AgentOutput
from probes.states import StateLayout


def pixel_loss(decoded: Tensor, states: Tensor, weights: Tensor, layout: StateLayout) -> Tensor:
    """Return Lp (B,) = sum_i w_i (g_i - s_i)^2 (Eq. 2).

    Args:
        decoded: g (B, T, C, H, W).
        states: s (B, T, C, H, W).
        weights: w (B, T, P, H, W), one per pixel and plane; a plane's channels share it. Summed over all
            d entries of (T, C, H, W) they make 1.
        layout: of the states.
    """
    squares = (decoded - states).square()
    if len(layout.planes) == 1:
        return (weights * squares.sum(dim=2, keepdim=True)).flatten(1).sum(1)
    parts = [
        weights[:, :, p] * squares[:, :, channels].sum(dim=2)
        for p, (_, channels, _) in enumerate(layout.slices())
    ]
    return torch.stack(parts, dim=2).flatten(1).sum(1)


def uniform_weights(layout: StateLayout) -> Tensor:
    """Return the weights (1, T, P, H, W) of a plain autoencoder, 1/d everywhere."""
    entries = layout.stack * layout.channels * layout.height * layout.width
    shape = (1, layout.stack, len(layout.planes), layout.height, layout.width)
    return torch.full(shape, 1.0 / entries)


def with_floor(weights: Tensor, floor: float, layout: StateLayout) -> Tensor:
    """Mix saliency (B, T, P, H, W) with uniform weights: zero weights leave regions unconstrained.

    Args:
        weights: that sum to 1 over all d entries.
        floor: share of the sum, 0 to 1, that is spread evenly; 0 in the paper.
        layout: of the states.
    """
    return (1 - floor) * weights + floor * uniform_weights(layout).to(weights) if floor else weights


def agent_loss(seen: AgentOutput, decoded: AgentOutput, scale: Tensor) -> Tensor:
    """Return La (B,) = ||A(s) - A(g)||^2 over the agent's outputs (Eq. 3).

    Args:
        seen: of the real states.
        decoded: of the decoded ones; the gradient goes through it.
        scale: (A,) of a DQN's Q-values or (A + 1,) of an actor-critic's logits and value: their standard
            deviations over the data set, by which each is divided.
    """
    return ((agent_vector(seen, len(scale)) - agent_vector(decoded, len(scale))) / scale).square().sum(1)


def agent_vector(output: AgentOutput, outputs: int) -> Tensor:
    """Return the A scores (B, A), or with the value behind them (B, A + 1), whichever is asked for."""
    scores = output.scores.float()
    if outputs == scores.shape[1]:
        return scores
    return torch.cat([scores, output.value.float().unsqueeze(1)], dim=1)


def decision_vector(output: AgentOutput) -> Tensor:
    """Return what an agent decides by and what it expects (B, A + 1): scores less their mean, and the value.

    What all scores share decides nothing, neither of Q-values nor of logits; but of Q-values it varies far
    more than what sets them apart (four times in Pong, seven in Freeway), and would hide it.
    """
    scores = output.scores.float()
    return torch.cat([scores - scores.mean(1, keepdim=True), output.value.float().unsqueeze(1)], dim=1)
