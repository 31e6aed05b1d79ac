"""What is behind all prisms: the sky, and the ground looked up in the periodic class map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivesim.kernels import kernel
from drivesim.render.plan import Eye, View
from drivesim.render.semantics import GRAY_LEVELS, SemanticClass
from drivesim.render.spans import NO_PRISM, Scratch, depth_bits

#: Stands in a key for the class of a ground pixel, which is looked up last.
GROUND = 0xFF
SKY_PAYLOAD = (NO_PRISM << 16) | (int(GRAY_LEVELS[SemanticClass.SKY]) << 8) | int(SemanticClass.SKY)
GROUND_PAYLOAD = (NO_PRISM << 16) | GROUND


def ground_payloads() -> NDArray[np.int64]:
    """List what to add to a ground pixel's key for each class, to fill in the class and its gray: (256,)."""
    table = np.zeros(256, np.int64)
    labels = np.arange(len(GRAY_LEVELS))
    table[labels] = (GRAY_LEVELS.astype(np.int64) << 8) + labels - GROUND
    return table


@kernel
def draw_background(eye: Eye, view: View, scratch: Scratch) -> int:
    """Start the keys of all pixels as sky or ground.

    Returns:
        The first row that shows ground; H if none does.
    """
    sky = depth_bits(view.far) | SKY_PAYLOAD
    first = view.height
    for r in range(view.height - 1, -1, -1):
        depth = eye.z * view.focal / (r + 0.5 - 0.5 * view.height)
        seen = view.near <= depth <= view.far
        scratch.keys[0, r] = depth_bits(depth) | GROUND_PAYLOAD if seen else sky
        first = r if seen else first
    for c in range(1, view.width):
        for r in range(view.height):
            scratch.keys[c, r] = scratch.keys[0, r]
    return first


@kernel
def to_phase(turns: float) -> np.uint64:
    """Return the fraction of a number of periods in units of 2**-64, in which sums wrap as periods do."""
    return np.uint64(np.int64((turns - np.floor(turns)) * 2.0**52)) << np.uint64(12)


@kernel
def find_ground_cells(
    r: int, eye: Eye, view: View, size: int, period: float, cells: NDArray[np.uint32]
) -> None:
    """Find the cell of the class map under each pixel of an image row.

    A row of ground lies at one depth, so its points step evenly across the map.

    Args:
        r: index of the row, one that shows ground.
        eye: pose of the camera.
        view: the camera.
        size: cells along each side of the map, a power of two.
        period: extent of the map, m.
        cells: (W,) takes the indices into the flattened map.
    """
    depth = eye.z * view.focal / (r + 0.5 - 0.5 * view.height)
    step, left = depth / view.focal, (0.5 - 0.5 * view.width) * depth / view.focal
    x = to_phase((eye.x + depth * eye.cos + left * eye.sin) / period)
    y = to_phase((eye.y + depth * eye.sin - left * eye.cos) / period)
    step_x, step_y = to_phase(step * eye.sin / period), to_phase(-step * eye.cos / period)
    bits = np.uint64(np.log2(size))
    low = np.uint64(64) - bits
    for c in range(len(cells)):
        cells[c] = np.uint32(((y >> low) << bits) | (x >> low))
        x += step_x
        y += step_y


@kernel
def look_up_ground(
    cells: NDArray[np.uint32],
    ground: NDArray[np.uint8],
    payloads: NDArray[np.int64],
    rows: NDArray[np.int64],
    i: int,
) -> None:
    """Fill in the class and the gray of the ground pixels of an image row.

    Args:
        cells: (W,) see `find_ground_cells`.
        ground: (S * S,) classes.
        payloads: (256,) see `ground_payloads`.
        rows: (B, W) keys, changed in place.
        i: which of them.
    """
    for c in range(len(cells)):
        if rows[i, c] & 0xFF == GROUND:
            rows[i, c] += payloads[ground[cells[c]]]
