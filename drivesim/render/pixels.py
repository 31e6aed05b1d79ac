"""From keys, which `spans` and `background` draw, to images and counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivesim.kernels import kernel
from drivesim.render.background import draw_background, find_ground_cells, look_up_ground
from drivesim.render.packing import BLOCK, NO_PRISM, Images, Scratch, Worlds
from drivesim.render.plan import Eye
from drivesim.render.spans import draw_prisms


@kernel
def draw_world(n: int, worlds: Worlds, scratch: Scratch) -> tuple[Eye, int]:
    """Draw world n into the keys; return the camera's pose and the first row that shows ground."""
    pose = worlds.poses[n]
    eye = Eye(pose[0], pose[1], pose[2], np.cos(pose[3]), np.sin(pose[3]))
    ground_row = draw_background(eye, worlds.camera, scratch)
    draw_prisms(n, eye, worlds, scratch)
    return eye, ground_row


@kernel
def turn_rows(first: int, keys: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
    """Copy rows of the keys (W, H + padding), from row `first`, to `rows` (BLOCK, W)."""
    for i in range(BLOCK):
        r = np.uint64(
            first + i
        )  # unsigned, or numba looks for negative indices and the loop is twice as slow
        for c in range(rows.shape[1]):
            rows[i, c] = keys[c, r]


@kernel
def store_depth(n: int, first: int, rows: NDArray[np.int64], depth: NDArray[np.int32]) -> None:
    """Store the depth of a block of keys (BLOCK, W) in rows `first` and on of world n's image."""
    for i in range(min(BLOCK, depth.shape[1] - first)):
        for c in range(depth.shape[2]):
            depth[n, first + i, c] = rows[i, c] >> 32


@kernel
def store_byte(n: int, first: int, shift: int, rows: NDArray[np.int64], image: NDArray[np.uint8]) -> None:
    """Store the byte from bit `shift` of a block of keys (BLOCK, W), as `store_depth` does the depth."""
    for i in range(min(BLOCK, image.shape[1] - first)):
        for c in range(image.shape[2]):
            image[n, first + i, c] = (rows[i, c] >> shift) & 0xFF


@kernel
def resolve_world(
    n: int, eye: Eye, ground_row: int, worlds: Worlds, scratch: Scratch, images: Images
) -> None:
    """Resolve world n's keys to its images.

    Args:
        n: index of the world.
        eye: pose of its camera.
        ground_row: first row that shows ground.
        worlds: where its ground is looked up.
        scratch: holds its keys.
        images: takes its pixels.
    """
    view, m = worlds.camera, worlds.map_index[n]
    ground, payloads = worlds.maps[m].reshape(-1), worlds.ground_payloads
    extent = (int(np.rint(np.log2(worlds.maps.shape[1]))), worlds.periods[m])
    keys, rows, cells = scratch.keys, scratch.rows, scratch.cells
    for first in range(0, view.height, BLOCK):
        turn_rows(first, keys, rows)
        for i in range(max(0, ground_row - first), min(BLOCK, view.height - first)):
            find_ground_cells(first + i, eye, view, extent, cells)
            look_up_ground(i, cells, ground, payloads, rows)
        store_depth(n, first, rows, images.depth)
        store_byte(n, first, 0, rows, images.semantic)
        store_byte(n, first, 8, rows, images.gray)


@kernel
def render_worlds(first: int, end: int, worlds: Worlds, scratch: Scratch, images: Images) -> None:
    """Render worlds first to end - 1 into `images`."""
    for n in range(first, end):
        eye, ground_row = draw_world(n, worlds, scratch)
        resolve_world(n, eye, ground_row, worlds, scratch, images)


@kernel
def count_pixels(first: int, end: int, worlds: Worlds, scratch: Scratch, pixels: NDArray[np.int32]) -> None:
    """Count the pixels that each prism of worlds first to end - 1 shows into `pixels` (N, P)."""
    for n in range(first, end):
        draw_world(n, worlds, scratch)
        for c in range(worlds.camera.width):
            for r in range(worlds.camera.height):
                p = (scratch.keys[c, r] >> 16) & NO_PRISM
                if p != NO_PRISM:
                    pixels[n, p] += 1
