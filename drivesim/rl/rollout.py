"""What actors bring back from N environments, and how much better each of their actions was than expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Transitions:
    """What T steps of N environments brought."""

    rewards: NDArray[np.float32]
    """(T, N)"""
    values: NDArray[np.float32]
    """(T, N), of the state that was acted in."""
    next_values: NDArray[np.float32]
    """(T, N), of the state that followed: where the episode ended its final state, not the new start."""
    terminated: NDArray[np.bool_]
    """(T, N), nothing follows: the final state is worth 0, whatever `next_values` says."""
    truncated: NDArray[np.bool_]
    """(T, N), the episode was cut off: its final state keeps its value."""
    valid: NDArray[np.bool_]
    """(T, N), False where the step only reset the environment and the action was ignored."""


@dataclass(frozen=True)
class Rollout:
    """Transitions, with what the update needs of the network."""

    transitions: Transitions
    actions: Tensor
    """(T * N,) or (T * N, A)"""
    policy: Tensor
    """(T * N, ...) with its graph."""
    values: Tensor
    """(T * N,) with its graph."""
    features: tuple[Tensor, ...]
    """T tensors (N, ...), what the network's head was given at each step."""


def generalized_advantages(
    transitions: Transitions, discount: float, gae_lambda: float
) -> NDArray[np.float32]:
    """Return the advantages (T, N) of the actions taken, Schulman et al. (2016), Eq. 16.

    delta_t = r_t + discount * V(s_{t+1}) - V(s_t), with V = 0 after a termination, and
    A_t = delta_t + discount * gae_lambda * A_{t+1}, the sum ending with the episode.
    """
    t = transitions
    following = np.where(t.terminated, np.float32(0), t.next_values)
    deltas = t.rewards + np.float32(discount) * following - t.values
    carried = np.where(t.terminated | t.truncated, np.float32(0), np.float32(discount * gae_lambda))
    advantages = np.zeros_like(t.rewards)
    after = np.zeros_like(deltas[0])
    for step in reversed(range(len(deltas))):
        after = deltas[step] + carried[step] * after
        advantages[step] = after
    return advantages
