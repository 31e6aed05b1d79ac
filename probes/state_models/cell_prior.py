"""What a cell holds where its neighbours are known: the learned prior within one layer of local latents."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from probes.state_models.cell_turns import TURNS, Turn, Turns, turns_of
from probes.state_models.gaussian import Gaussian

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
        self.turns = nn.ModuleList(_teller(CONTEXT + channels, units, 2 * channels) for _ in range(TURNS))
        self._backwards = backwards

    def given(self, v: Tensor, above: Tensor) -> Gaussian:
        """Return the prior of every cell, given those of earlier turns and the feature map above."""
        turns, context = self._begin(above)
        with torch.autocast(v.device.type, enabled=False):
            cells = turns.sort(v.float())
            told = [self._told(number, turn, cells, context) for number, turn in enumerate(turns.turns)]
            mu, log_sigma = (
                turns.unsort(torch.cat(part, dim=1), *v.shape[2:]) for part in zip(*told, strict=True)
            )
        return Gaussian(mu, log_sigma)

    def forward(self, u: Tensor, above: Tensor) -> Tensor:
        """Return the cells of u, turn after turn."""
        turns, context = self._begin(above)
        with torch.autocast(u.device.type, enabled=False):
            noise = turns.sort(u.float())
            cells = noise[:, :0]
            for number, turn in enumerate(turns.turns):
                prior = self._told(number, turn, cells, context)
                cells = torch.cat([cells, prior.value(noise[:, turn.own])], dim=1)
            return turns.unsort(cells, *u.shape[2:])

    def _begin(self, above: Tensor) -> tuple[Turns, Tensor]:
        """Return the turns, and of each sorted cell what is seen of what lies above (B, h * w, units)."""
        height, width = above.shape[2:]
        turns = turns_of(height, width, self._backwards, above.device)
        looks = [_layers(teller)[0] for teller in self.turns]
        weight, bias = (
            torch.cat(part)
            for part in zip(*((look.weight[:, :CONTEXT], look.bias) for look in looks), strict=True)
        )
        context = functional.conv2d(self.context(functional.silu(above)), weight, bias, padding=1)
        rows = context.permute(0, 2, 3, 1).reshape(len(above), TURNS * height * width, -1)
        return turns, rows.index_select(1, turns.rows).float()

    def _told(self, number: int, turn: Turn, cells: Tensor, context: Tensor) -> Gaussian:
        """Return one turn's prior (B, cells, channels), given the sorted cells of those before.

        In matrices of a turn's own cells: convolutions of all of them take four times as long.
        """
        look, think, tell = _layers(self.turns[number])
        x = context[:, turn.own]
        if turn.taps:
            known = functional.pad(cells[:, : turn.own.start], (0, 0, 0, 1))
            near = known.index_select(1, turn.neighbours).reshape(*x.shape[:2], -1)
            weight = look.weight[:, CONTEXT:].flatten(2)[:, :, turn.taps].transpose(1, 2).flatten(1)
            x = x + functional.linear(near, weight)
        for layer in (think, tell):
            x = functional.linear(functional.silu(x), layer.weight.flatten(1), layer.bias)
        return Gaussian.of(x, LOG_SIGMA_RANGE, dim=2)


def _teller(channels: int, units: int, told: int) -> nn.Sequential:
    """Return a network that sees the cells around, and at first tells 0."""
    last = nn.Conv2d(units, told, 1)
    nn.init.zeros_(last.weight)
    assert last.bias is not None
    nn.init.zeros_(last.bias)
    return nn.Sequential(
        nn.Conv2d(channels, units, 3, padding=1), nn.SiLU(), nn.Conv2d(units, units, 1), nn.SiLU(), last
    )


def _layers(teller: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in teller.children() if isinstance(layer, nn.Conv2d)]
