"""How unlike each other states are.

A search whose chains all end in one picture has found one state, however many chains there were.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.states import Plane, StateLayout

Relative = Literal["range", "value"]
"""To what a difference of levels is relative."""

CELL_PIXELS = 1 << 22
"""Pixels compared at a time, which bounds the memory of a row of comparisons."""


def class_planes(layout: StateLayout) -> list[tuple[Plane, slice]]:
    """Return a layout's class planes, each with its place among the stored planes."""
    return [(plane, where) for plane, _, where in layout.slices() if plane.kind == "class"]


def changed_pixels(
    samples: NDArray[np.uint8], real: NDArray[np.uint8], layout: StateLayout, relative: Relative
) -> NDArray[np.bool_]:
    """Return where (B, T, H, W) a sample's pixel differs from its real state's in any channel (Table 2).

    A class plane differs where the class does. A level differs where the difference is more than 25%: of the
    range, |a - s| > 0.25, or of the real value, |a - s| / max(|s|, 1/255) > 0.25.

    Args:
        samples: stored states (B, T, M, H, W).
        real: the real state s of each, of the same shape.
        layout: of both.
        relative: to what a difference of levels is relative.
    """
    changed = np.zeros(samples.shape[:2] + samples.shape[3:], np.bool_)
    for plane, _, where in layout.slices():
        ours, theirs = samples[:, :, where], real[:, :, where]
        if plane.kind == "class":
            changed |= (ours != theirs).any(axis=2)
            continue
        difference = np.abs(ours.astype(np.int16) - theirs)
        unit = np.int16(255) if relative == "range" else np.maximum(theirs.astype(np.int16), 1)
        changed |= (4 * difference > unit).any(axis=2)
    return changed


def different_pixels(
    ours: NDArray[np.uint8], theirs: NDArray[np.uint8], layout: StateLayout
) -> NDArray[np.bool_]:
    """Return where (B, T, H, W) two batches of stored states (B, T, M, H, W) show something else.

    Where the likeliest class differs; in a layout without classes, where any level differs by more than 25%
    of the range. Levels beside classes do not count: depth would drown what a person sees.
    """
    planes = class_planes(layout)
    if not planes:
        return changed_pixels(ours, theirs, layout, "range")
    differs = [np.any(ours[:, :, where] != theirs[:, :, where], axis=2) for _, where in planes]
    return np.any(differs, axis=0)  # type: ignore[no-any-return]  # numpy types it Any


def pairwise_disagreement(stored: NDArray[np.uint8], layout: StateLayout) -> NDArray[np.float64]:
    """Return how far (K, K) stored states (K, T, M, H, W) differ from each other, over all frames.

    The share of pixels whose class differs. In a layout without classes, the mean squared difference of
    levels in [0, 1]: the same number where they are 0 or 1, and what a search can climb.
    """
    return differing_shares(stored, layout) if class_planes(layout) else _level_disagreement(stored)


def differing_shares(stored: NDArray[np.uint8], layout: StateLayout) -> NDArray[np.float64]:
    """Return the shares of pixels (K, K), over all frames, in which states (K, T, M, H, W) differ.

    A pixel differs as `different_pixels` says.
    """
    count = len(stored)
    shares = np.zeros((count, count))
    chunk = max(1, CELL_PIXELS // (layout.stack * layout.height * layout.width))
    for row in range(count):
        for start in range(row + 1, count, chunk):
            others = stored[start : start + chunk]
            ours = np.broadcast_to(stored[row], others.shape)
            differs = different_pixels(ours, others, layout).reshape(len(others), -1)
            shares[row, start : start + chunk] = differs.mean(axis=1)
    return shares + shares.T


def _level_disagreement(stored: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the mean of (a - b)^2 as that of a^2 + b^2 - 2 ab: exact, all sums are whole and below 2^53."""
    count = len(stored)
    products = np.zeros((count, count))
    for frame in range(stored.shape[1]):  # one at a time, to bound the memory that float64 takes
        levels = stored[:, frame].reshape(count, -1).astype(np.float64)
        products += levels @ levels.T
    squares = np.diag(products)
    entries = max(1, stored[:1].size)
    differences: NDArray[np.float64] = squares[:, None] + squares[None] - 2 * products
    return differences / (255.0**2 * entries)


def mean_disagreement(shares: NDArray[np.float64]) -> float:
    """Return the mean over the pairs of a matrix (K, K) of `pairwise_disagreement`.

    Raises:
        ProbeError: there is no pair.
    """
    count = len(shares)
    if count < 2:
        raise ProbeError(f"disagreement is between states: at least 2 are needed, got {count}")
    return float(shares.sum() / (count * (count - 1)))
