"""In which order cells of a grid are drawn, and which of those before are each one's neighbours."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

TURNS = 4
TURN = ((0, 2), (3, 1))
"""Of a cell, by its row and column modulo 2: those across the corner follow each other."""


class Turn(NamedTuple):
    """The cells of one turn."""

    own: slice
    """Their places where cells are sorted by turn."""
    taps: tuple[int, ...]
    """Which of the nine cells around, row by row, an earlier turn may have drawn."""
    neighbours: Tensor
    """(cells * taps), places of those; the one after the last that is drawn, `own.start`, stands for none."""


class Turns(NamedTuple):
    """All turns of a grid (h, w)."""

    turns: tuple[Turn, ...]
    order: Tensor
    """(h * w), the cells sorted by turn."""
    rows: Tensor
    """(h * w), for each of those its own turn's row among h * w * TURNS, one for each cell and turn."""
    place: Tensor
    """(h * w), where each cell is among those."""

    def sort(self, grid: Tensor) -> Tensor:
        """Return the cells of a grid (B, channels, h, w), sorted by turn: (B, h * w, channels)."""
        return grid.flatten(2).transpose(1, 2).index_select(1, self.order)

    def unsort(self, cells: Tensor, height: int, width: int) -> Tensor:
        """Return sorted cells to their places."""
        placed = cells.index_select(1, self.place)
        return placed.reshape(len(cells), height, width, -1).permute(0, 3, 1, 2)


@cache
def turns_of(height: int, width: int, backwards: bool, device: torch.device) -> Turns:
    """Return the turns of a grid, the last one first where it is to be drawn backwards."""
    by_place = 3 - torch.tensor(TURN) if backwards else torch.tensor(TURN)
    turn = by_place.repeat(-(-height // 2), -(-width // 2))[:height, :width].flatten()
    order = torch.cat([torch.nonzero(turn == number).flatten() for number in range(TURNS)])
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))
    turns = []
    start = 0
    for number in range(TURNS):
        own = slice(start, start + int((turn == number).sum()))
        rows, columns = order[own] // width, order[own] % width
        taps, neighbours = [], []
        for tap in range(9):
            row, column = rows + tap // 3 - 1, columns + tap % 3 - 1
            is_inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            cell = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
            is_known = is_inside & (turn[cell] < number)
            if is_known.any():
                taps.append(tap)
                neighbours.append(torch.where(is_known, place[cell], start))
        flat = torch.stack(neighbours, dim=1).flatten() if taps else order[:0]
        turns.append(Turn(own, tuple(taps), flat.to(device)))
        start = own.stop
    rows = TURNS * order + turn[order]
    return Turns(tuple(turns), order.to(device), rows.to(device), place.to(device))
