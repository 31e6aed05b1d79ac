"""What is behind all prisms: the sky, and the ground looked up in the periodic class map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivesim.kernels import kernel
from drivesim.render.packing import GROUND, NO_PRISM, Scratch
from drivesim.render.plan import Eye, View
from drivesim.render.semantics import GRAY_LEVELS, SemanticClass
from drivesim.render.spans import depth_bits

SKY_PAYLOAD = (NO_PRISM << 16) | (int(GRAY_LEVELS[SemanticClass.SKY]) << 8) | int(SemanticClass.SKY)
GROUND_PAYLOAD = (NO_PRISM << 16) | GROUND


@kernel
def ground_depth(r: int, eye: Eye, view: View) -> float:
    """Return the forward depth of the ground in image row r, m; negative above the horizon."""
    return eye.z * view.focal / (r + 0.5 - 0.5 * view.height)


@kernel
def draw_background(eye: Eye, view: View, scratch: Scratch) -> int:
    """Start the keys of all pixels as sky or ground.

    Returns:
        The first row that shows ground; H if none does.
    """
    keys, sky, first = scratch.keys, depth_bits(view.far) | SKY_PAYLOAD, view.height
    for r in range(view.height - 1, -1, -1):
        depth = ground_depth(r, eye, view)
        seen = view.near <= depth <= view.far
        keys[0, r] = depth_bits(depth) | GROUND_PAYLOAD if seen else sky
        first = r if seen else first
    for c in range(1, view.width):
        for r in range(view.height):
            keys[c, r] = keys[0, r]
    return first


@kernel
def to_phase(turns: float) -> np.uint64:
    """Return the fraction of a number of periods in units of 2**-64, in which sums wrap as periods do."""
    return np.uint64(np.int64((turns - np.floor(turns)) * 2.0**52)) << np.uint64(12)


@kernel
def find_ground_cells(
    r: int, eye: Eye, view: View, extent: tuple[int, float], cells: NDArray[np.uint32]
) -> None:
    """Find the cell of the class map under each pixel of an image row.

    A row of ground lies at one depth, so its points step evenly across the map.

    Args:
        r: index of the row, one that shows ground.
        eye: pose of the camera.
        view: the camera.
        extent: the map is 2**extent[0] cells wide and repeats every extent[1] m.
        cells: (W,) takes the indices into the flattened map.
    """
    depth, turns = ground_depth(r, eye, view), 1.0 / extent[1]
    step, left = depth / view.focal, (0.5 - 0.5 * view.width) * depth / view.focal
    x = to_phase((eye.x + depth * eye.cos + left * eye.sin) * turns)
    y = to_phase((eye.y + depth * eye.sin - left * eye.cos) * turns)
    step_x, step_y = to_phase(step * eye.sin * turns), to_phase(-step * eye.cos * turns)
    high, low = np.uint64(extent[0]), np.uint64(64 - extent[0])
    for c in range(len(cells)):
        cells[c] = np.uint32(((y >> low) << high) | (x >> low))
        x += step_x
        y += step_y


@kernel
def look_up_ground(
    i: int,
    cells: NDArray[np.uint32],
    ground: NDArray[np.uint8],
    payloads: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> None:
    """Fill in the class and the gray of the ground pixels of an image row.

    Args:
        i: which of `rows`.
        cells: (W,) see `find_ground_cells`.
        ground: (S * S,) classes.
        payloads: (256,) see `ground_payloads`.
        rows: (BLOCK, W) keys, changed in place.
    """
    for c in range(len(cells)):
        if rows[i, c] & 0xFF == GROUND:
            rows[i, c] += payloads[ground[cells[c]]]
