"""How unlike each other a batch of states is, and what classes it shows.

A search whose chains all end in one picture has found one state, however many chains there were.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from probes.agent import ProbeError
from probes.novelty import changed_pixels
from probes.states import Plane, StateLayout

CELL_PIXELS = 1 << 22
"""Pixels compared at a time, which bounds the memory of a row of comparisons."""


def class_planes(layout: StateLayout) -> list[tuple[Plane, slice]]:
    """Return a layout's class planes, each with its place among the stored planes."""
    return [(plane, where) for plane, _, where in layout.slices() if plane.kind == "class"]


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
    """Return the shares (K, K) of pixels, over all frames, in which stored states (K, T, M, H, W) differ."""
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


def mean_disagreement(shares: NDArray[np.float64]) -> float:
    """Return the mean over the pairs of a matrix (K, K) of `pairwise_disagreement`.

    Raises:
        ProbeError: there is no pair.
    """
    count = len(shares)
    if count < 2:
        raise ProbeError(f"disagreement is between states: at least 2 are needed, got {count}")
    return float(shares.sum() / (count * (count - 1)))


def distinct(
    shares: NDArray[np.float64], order: Sequence[int] | NDArray[np.integer], least: float
) -> NDArray[np.int64]:
    """Reject near-duplicates: keep each state that differs enough from all that were kept before it.

    Args:
        shares: (K, K), as `pairwise_disagreement` returns them.
        order: indices, the best first; those that are left out are never kept.
        least: smallest share of different pixels.

    Returns:
        the indices that are kept, in their order.
    """
    kept: list[int] = []
    for index in order:
        if not kept or shares[index, kept].min() >= least:
            kept.append(int(index))
    return np.array(kept, np.int64)


def class_frequencies(
    stored: NDArray[np.uint8], layout: StateLayout, plane: str = "semantic"
) -> NDArray[np.float64]:
    """Return the share of each state's pixels, over all frames, that each class covers.

    Args:
        stored: (B, T, M, H, W).
        layout: of them.
        plane: name of the class plane.

    Returns:
        (B, K), per state, so that an interval of the mean can be had; each row sums to 1.

    Raises:
        ProbeError: there is no such class plane, or a pixel holds a number that is none of its classes.
    """
    found = {one.name: (one.channels, where) for one, where in class_planes(layout)}
    if plane not in found:
        raise ProbeError(f"no class plane {plane!r} in this layout: it has {', '.join(found) or 'none'}")
    classes, where = found[plane]
    pixels = stored[:, :, where].reshape(len(stored), -1)
    counts = [np.bincount(state, minlength=classes) for state in pixels]
    if any(len(count) > classes for count in counts):
        raise ProbeError(f"plane {plane!r} has classes 0 to {classes - 1}, but a pixel holds {pixels.max()}")
    return np.array(counts, np.float64).reshape(-1, classes) / pixels.shape[1]
