"""The action-value network of a DQN, with a duelling head or a plain one.

It has the same two entries as the actor-critic network: `prepare` and `head` for uint8 observations, and
`forward` for float states, differentiable in every entry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from drivesim.rl.networks import NATURE_CONVOLUTIONS, Convolution, InputLayout, PixelInput, make_trunk


@dataclass(frozen=True)
class QNetworkConfig:
    """The shape of a `QNetwork`. The defaults are Mnih et al.'s (2015), with Wang et al.'s (2016) head."""

    actions: int
    """A, discrete actions."""
    is_duelling: bool = True
    """Whether state value and advantages are told apart before they are added."""
    pool: int = 1
    """1, or 2 to average cells of 2x2 pixels first."""
    convolutions: tuple[Convolution, ...] = NATURE_CONVOLUTIONS
    hidden: int = 512
    """Units of the linear layer. A duelling head gives one half to each of its streams, so that it costs and
    weighs as much as a plain one; 1024 are Wang et al.'s two streams of 512."""
    palette: tuple[tuple[int, ...], ...] = ()
    """Four channel values, 0 to 255, for each class of a semantic plane; empty takes `spread_palette`."""

    def __post_init__(self) -> None:
        if self.actions < 1 or self.pool not in (1, 2) or self.hidden < 1:
            raise ValueError(
                "actions and hidden must be at least 1 and pool 1 or 2, "
                f"got {self.actions}, {self.hidden} and {self.pool}"
            )
        if self.is_duelling and self.hidden % 2:
            raise ValueError(f"a duelling head halves its hidden units, so hidden={self.hidden} must be even")


class QNetwork(nn.Module):
    """The expected discounted return of each action.

    Args:
        layout: what an observation holds.
        config: the network's shape.
        seed: of the initial weights; the global random state is left as it was.
    """

    def __init__(self, layout: InputLayout, config: QNetworkConfig, seed: int = 0) -> None:
        super().__init__()
        self.layout = layout
        self.config = config
        self.pixels = PixelInput(layout, config.palette, config.pool)
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            self.trunk = make_trunk(self.pixels.shape, config.convolutions, config.hidden)
            if config.is_duelling:
                self.value = nn.Linear(config.hidden // 2, 1)
                self.advantage = nn.Linear(config.hidden // 2, config.actions)
            else:
                self.q = nn.Linear(config.hidden, config.actions)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a keyword-only overload

    def prepare(self, observations: NDArray[np.uint8], dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the features (B, F, H / pool, W / pool) of observations (B, T, M, H, W) or (B, T, H, W).

        No gradient passes; the result lies on the network's device.
        """
        return self.pixels.prepare(observations, dtype)

    def head(self, features: Tensor) -> Tensor:
        """Return the values (B, A) float32 of the features that `prepare` made."""
        hidden: Tensor = self.trunk(features)
        if not self.config.is_duelling:
            plain: Tensor = self.q(hidden)
            return plain.float()
        for_value, for_advantage = hidden.chunk(2, dim=1)
        return duel(self.value(for_value).float(), self.advantage(for_advantage).float())

    def forward(self, states: Tensor) -> Tensor:
        """Return the values (B, A) of float states (B, T, C, H, W) in [0, 1].

        Class channels may be one-hot or soft. Differentiable in every entry.
        """
        return self.head(self.pixels(states))


def duel(value: Tensor, advantages: Tensor) -> Tensor:
    """Return action values (B, A) of a state's value (B, 1) and advantages (B, A), Wang et al. (2016), Eq. 9.

    The advantages' mean is taken off, or value and advantages would be known up to a constant only.
    """
    return value + advantages - advantages.mean(dim=1, keepdim=True)
