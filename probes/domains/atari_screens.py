"""From what the emulator's machine shows, palette indices, to the 84x84 colour picture of a decision.

The brighter of two frames in each channel, averaged by area (Mnih et al. 2015), as the native environment's
OpenCV does it: the same products in the same order, so that pictures agree bit for bit. Many rows of a game's
screen repeat the one above, and are averaged once.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivesim.kernels import kernel
from probes.domains.atari_frames import SIDE

TAPS = 3
"""Pixels of a row, at most, that one column of the picture averages."""
KNOWN = 3
"""Where in a palette's entry stands whether its colour is known."""


class Palette:
    """Colours of a game's indices, learned as they are met: consoles of either standard have their own."""

    def __init__(self) -> None:
        self.levels = np.zeros((256, 4), np.float32)
        """Red, green, blue from 0 to 255, and 1 where they are known."""

    def knows(self, screen: NDArray[np.uint8]) -> bool:
        """Return whether the colours of all indices (rows, columns) are known."""
        known: bool = _knows(screen, self.levels)
        return known

    def learn(self, screen: NDArray[np.uint8], colour: NDArray[np.uint8]) -> None:
        """Take the colours (rows, columns, 3) of indices (rows, columns)."""
        self.levels[screen, :KNOWN] = colour
        self.levels[screen, KNOWN] = 1


class Shares(NamedTuple):
    """What a row or column of the picture takes of those of the screen, up to `TAPS` or more of them."""

    first: NDArray[np.int64]
    """(84,), the first it takes."""
    weights: NDArray[np.float32]
    """(84, K), of the first and those that follow; 0 beyond the last."""


@cache
def shares(size: int) -> Shares:
    """Return how `size` pixels are averaged to 84 by area: each counts as far as it is covered."""
    scale = size / SIDE
    first = np.zeros(SIDE, np.int64)
    weights = np.zeros((SIDE, int(np.ceil(scale)) + 1), np.float32)
    for index, (start, end) in enumerate(pairwise(scale * np.arange(SIDE + 1))):
        edges = [start, *range(int(np.floor(start)) + 1, int(np.ceil(end))), end]
        covered = [right - left for left, right in pairwise(edges)]
        kept = [(int(left), part) for left, part in zip(edges, covered, strict=False) if part > 1e-3]
        first[index] = kept[0][0]
        weights[index, : len(kept)] = [part / scale for _, part in kept]
    return Shares(first, weights)


@kernel
def _is_as_above(screens: NDArray[np.uint8], row: int) -> bool:
    """Return whether a row of all screens (S, rows, columns) repeats the one above."""
    if row == 0:
        return False
    differing = np.uint8(0)
    for s in range(screens.shape[0]):
        here, above = screens[s, row], screens[s, row - 1]
        for x in range(here.shape[0]):
            differing |= here[x] ^ above[x]
    return bool(differing == 0)


@kernel
def _knows(screen: NDArray[np.uint8], levels: NDArray[np.float32]) -> bool:
    """Return whether the colours of all indices (rows, columns) are known."""
    one = screen.reshape(1, *screen.shape)
    known = True
    for y in range(screen.shape[0]):
        if not _is_as_above(one, y):
            for x in range(screen.shape[1]):
                known &= levels[screen[y, x], KNOWN] > 0
    return known


@kernel
def _brightest_row(
    screens: NDArray[np.uint8], row: int, levels: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Write the colours (columns, 4) of a row, the brightest of all screens (S, rows, columns)."""
    for x in range(out.shape[0]):
        for c in range(4):
            out[x, c] = levels[screens[0, row, x], c]
    for s in range(1, screens.shape[0]):
        for x in range(out.shape[0]):
            if screens[s, row, x] != screens[0, row, x]:
                for c in range(4):
                    out[x, c] = max(out[x, c], levels[screens[s, row, x], c])


@kernel
def _average_columns(
    colours: NDArray[np.float32],
    first: NDArray[np.int64],
    weights: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Write the averages (84, 4) of a row's colours (columns + padding, 4)."""
    for x in range(SIDE):
        start = first[x]
        near, middle, far = weights[x, 0], weights[x, 1], weights[x, 2]
        # all is read before anything is written, so that the four channels can be computed at once
        a, b, c, d = (
            colours[start, 0] * near + colours[start + 1, 0] * middle + colours[start + 2, 0] * far,
            colours[start, 1] * near + colours[start + 1, 1] * middle + colours[start + 2, 1] * far,
            colours[start, 2] * near + colours[start + 1, 2] * middle + colours[start + 2, 2] * far,
            colours[start, 3] * near + colours[start + 1, 3] * middle + colours[start + 2, 3] * far,
        )
        out[x, 0], out[x, 1], out[x, 2], out[x, 3] = a, b, c, d


@kernel
def _draw(
    screens: NDArray[np.uint8],
    levels: NDArray[np.float32],
    across: Shares,
    down: Shares,
    picture: NDArray[np.uint8],
) -> None:
    """Write the picture (84, 84, 3) of screens (S, rows, columns)."""
    columns = screens.shape[2]
    colours = np.zeros((columns + TAPS, 4), np.float32)
    average = np.zeros((SIDE, 4), np.float32)
    total = np.zeros((SIDE, 4), np.float32)
    drawn = -1
    for y in range(SIDE):
        for k in range(down.weights.shape[1]):
            weight, row = down.weights[y, k], down.first[y] + k
            if weight == 0:
                break
            if row > drawn and not _is_as_above(screens, row):
                _brightest_row(screens, row, levels, colours[:columns])
                _average_columns(colours, across.first, across.weights, average)
            drawn = row
            for x in range(SIDE):
                for c in range(4):
                    total[x, c] = average[x, c] * weight + (total[x, c] if k else np.float32(0))
        for x in range(SIDE):
            for c in range(3):
                picture[y, x, c] = np.uint8(np.rint(total[x, c]))


def draw(screens: NDArray[np.uint8], palette: Palette, out: NDArray[np.uint8]) -> None:
    """Write the picture of a decision.

    Args:
        screens: (S, rows, columns), the palette's indices on the frames of which the brighter counts.
        palette: knows them all.
        out: (84, 84, 3), red, green and blue.
    """
    rows, columns = screens.shape[1:]
    _draw(screens, palette.levels, shares(columns), shares(rows), out)
