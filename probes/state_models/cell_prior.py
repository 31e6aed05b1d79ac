"""What a cell holds where its neighbours are known: the learned prior within one layer of local latents."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from probes.state_models.gaussian import Gaussian

TURN = ((0, 2), (3, 1))
"""Of a cell, by its row and column modulo 2: those across the corner follow each other."""
CONTEXT = 8
"""Channels that tell a cell what lies above it."""
LOG_SIGMA_RANGE = (-4.0, 2.0)


class CellPrior(nn.Module):
    """A prior of a layer's cells v (B, channels, h, w), drawn in four turns, each given those before.

    Without it the cells of a layer are independent of each other, given the layers above: half a person is
    drawn in one cell, and none in the next. All that leaves this class is u = (v - mean) / sigma, whose prior
    is N(0, I).

    Args:
        width: channels of the feature map above.
        channels: of a cell.
        units: channels of each turn's two hidden layers.
        backwards: whether the last turn comes first.
    """

    def __init__(self, width: int, channels: int, units: int, *, backwards: bool = False) -> None:
        super().__init__()
        self.context = nn.Conv2d(width, CONTEXT, 1)
        self.turns = nn.ModuleList(_teller(CONTEXT + channels, units, 2 * channels) for _ in range(4))
        self._turn = 3 - torch.tensor(TURN) if backwards else torch.tensor(TURN)

    def given(self, v: Tensor, above: Tensor) -> Gaussian:
        """Return the prior of every cell, given those of earlier turns and the feature map above."""
        context, turn = self._begin(v, above)
        mu = log_sigma = torch.zeros_like(v)
        for number in range(4):
            prior = self._told(number, v * (turn < number), context)
            mu = torch.where(turn == number, prior.mu, mu)
            log_sigma = torch.where(turn == number, prior.log_sigma, log_sigma)
        return Gaussian(mu, log_sigma)

    def forward(self, u: Tensor, above: Tensor) -> Tensor:
        """Return the cells of u, turn after turn."""
        context, turn = self._begin(u, above)
        v = torch.zeros_like(u)
        for number in range(4):
            prior = self._told(number, v, context)
            v = torch.where(turn == number, prior.mu + prior.log_sigma.exp() * u, v)
        return v

    def _begin(self, cells: Tensor, above: Tensor) -> tuple[Tensor, Tensor]:
        """Return what all turns are told, and each cell's turn (h, w)."""
        height, width = cells.shape[2:]
        turn = self._turn.to(cells.device).repeat(-(-height // 2), -(-width // 2))[:height, :width]
        return self.context(functional.silu(above)), turn

    def _told(self, number: int, known: Tensor, context: Tensor) -> Gaussian:
        """Return one turn's prior of all cells, where those that are not known yet are 0."""
        told = self.turns[number](torch.cat([context, known.to(context.dtype)], dim=1))
        mu, log_sigma = told.float().chunk(2, dim=1)
        return Gaussian(mu, log_sigma.clamp(*LOG_SIGMA_RANGE))


def _teller(channels: int, units: int, told: int) -> nn.Sequential:
    """Return a network that sees the cells around, and at first tells 0."""
    last = nn.Conv2d(units, told, 1)
    nn.init.zeros_(last.weight)
    assert last.bias is not None
    nn.init.zeros_(last.bias)
    return nn.Sequential(
        nn.Conv2d(channels, units, 3, padding=1), nn.SiLU(), nn.Conv2d(units, units, 1), nn.SiLU(), last
    )
