"""Atari pictures: colour as the state models see it, gray as the agents do, stacks of either (Sec. 4.1).

The agent's gray is 0.299 R + 0.587 G + 0.114 B of the very colour that the state model sees. Recorded levels
are weighted in whole numbers and rounded once, half upwards; float states are weighted without rounding.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drivesim.kernels import kernel
from probes.states import Plane, StateLayout

SIDE = 84
"""Rows and columns of a picture (Mnih et al. 2015)."""
STACK = 4
"""T, pictures in a state."""
LAYOUT = StateLayout((Plane("colour", "level", 3),), STACK, SIDE, SIDE)
WEIGHTS = (299, 587, 114)
"""Thousandths of red, green and blue in gray."""


@kernel
def _gray_of_planes(colour: NDArray[np.uint8], gray: NDArray[np.uint8]) -> None:
    """Fill `gray` (P, S) from `colour` (P, 3, S)."""
    red, green, blue = np.uint32(299), np.uint32(587), np.uint32(114)
    half, whole = np.uint32(500), np.uint32(1000)
    for p in range(colour.shape[0]):
        r, g, b = colour[p, 0], colour[p, 1], colour[p, 2]
        out = gray[p]
        for s in range(out.shape[0]):
            out[s] = (red * r[s] + green * g[s] + blue * b[s] + half) // whole


@kernel
def _gray_of_pixels(colour: NDArray[np.uint8], gray: NDArray[np.uint8]) -> None:
    """Fill `gray` (P, S) from `colour` (P, S, 3)."""
    red, green, blue = np.uint32(299), np.uint32(587), np.uint32(114)
    half, whole = np.uint32(500), np.uint32(1000)
    for p in range(colour.shape[0]):
        pixels, out = colour[p], gray[p]
        for s in range(out.shape[0]):
            out[s] = (red * pixels[s, 0] + green * pixels[s, 1] + blue * pixels[s, 2] + half) // whole


@kernel
def _planes_of_pixels(colour: NDArray[np.uint8], planes: NDArray[np.uint8]) -> None:
    """Fill `planes` (P, 3, S) from `colour` (P, S, 3)."""
    for p in range(colour.shape[0]):
        pixels = colour[p]
        red, green, blue = planes[p, 0], planes[p, 1], planes[p, 2]
        for s in range(red.shape[0]):
            red[s] = pixels[s, 0]
            green[s] = pixels[s, 1]
            blue[s] = pixels[s, 2]


def planes_from_pixels(pixels: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Write the emulator's pictures (N, H, W, 3) as colour planes into `out` (N, 3, H, W), contiguous."""
    count = len(pixels)
    _planes_of_pixels(np.ascontiguousarray(pixels).reshape(count, -1, 3), out.reshape(count, 3, -1))


def gray_from_pixels(pixels: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Write the gray of the emulator's pictures (N, H, W, 3) into `out` (N, H, W), contiguous."""
    count = len(pixels)
    _gray_of_pixels(np.ascontiguousarray(pixels).reshape(count, -1, 3), out.reshape(count, -1))


def gray_levels(stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the gray (B, T, H, W) of stored colour states (B, T, 3, H, W)."""
    batch, stack, _, height, width = stored.shape
    gray = np.empty((batch, stack, height, width), np.uint8)
    planes = np.ascontiguousarray(stored).reshape(batch * stack, 3, -1)
    _gray_of_planes(planes, gray.reshape(batch * stack, -1))
    return gray


def gray_states(states: Tensor) -> Tensor:
    """Return the gray (B, T, H, W) of float colour states (B, T, 3, H, W), differentiably; [0, 1] both."""
    weights = torch.tensor(WEIGHTS, dtype=states.dtype, device=states.device) / 1000
    return torch.einsum("btchw,c->bthw", states, weights)


class PictureStack:
    """The last T pictures of N worlds.

    Args:
        num_worlds: N.
        shape: of a picture.
    """

    def __init__(self, num_worlds: int, shape: tuple[int, ...]) -> None:
        # A ring with the worlds within: the newest pictures of all worlds are one contiguous block to fill.
        self._ring = np.zeros((STACK, num_worlds, *shape), np.uint8)
        self._newest = 0

    def next(self) -> NDArray[np.uint8]:
        """Drop the oldest picture of every world; return where to write the newest (N, ...)."""
        self._newest = (self._newest + 1) % STACK
        block: NDArray[np.uint8] = self._ring[self._newest]
        return block

    def newest(self) -> NDArray[np.uint8]:
        """Return where the newest pictures (N, ...) lie, to be read or overwritten."""
        block: NDArray[np.uint8] = self._ring[self._newest]
        return block

    def repeat(self, worlds: NDArray[np.bool_]) -> None:
        """Let the newest picture of the worlds of a mask (N,) stand for those before it."""
        if worlds.any():
            self._ring[:, worlds] = self._ring[self._newest, worlds]

    def stacks(self) -> NDArray[np.uint8]:
        """Return a copy (N, T, ...), the oldest picture first."""
        _, count, *shape = self._ring.shape
        out = np.empty((count, STACK, *shape), np.uint8)
        for place in range(STACK):
            out[:, place] = self._ring[(self._newest + 1 + place) % STACK]
        return out
