"""The average of a network's weights over its updates: Polyak and Juditsky (1992), Izmailov et al. (2018)."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)
SHARE = 0.1
"""Of the updates so far that the average spans while they are few, so that it forgets how it began."""


class RunningAverage(Generic[AnyNetwork]):
    """An exponential average of the weights, over the last tenth of the updates while that is less.

    A Q-network's policy swings from update to update, where the values of two actions nearly agree: Pong's
    ended at 4.7 while the average of its last checkpoints scored 14.

    Args:
        network: as it begins; it is copied.
        updates: that the average spans at most; the weight of the newest is its inverse.
    """

    def __init__(self, network: AnyNetwork, updates: int) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        self._updates = updates
        self._taken = torch.zeros(())

    @torch.no_grad()
    def take(self, network: AnyNetwork) -> None:
        """Take the weights after one more update."""
        self._taken += 1
        weight = min(max(1 / (SHARE * self._taken.item()), 1 / self._updates), 1.0)
        torch._foreach_lerp_(list(self.network.parameters()), list(network.parameters()), weight)

    def memory(self) -> dict[str, Tensor]:
        """Return what it holds, live: copying into it restores."""
        weights = {f"average.{name}": tensor for name, tensor in self.network.state_dict().items()}
        return {**weights, "average.taken": self._taken}
