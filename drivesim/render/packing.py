"""A scene, working memory and images in the form that the ray caster's kernels take them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivesim.render.camera import Camera
from drivesim.render.plan import View
from drivesim.render.scene import Scene
from drivesim.render.semantics import GRAY_LEVELS
from drivesim.render.shading import light_parameters

#: Index, in a key, of a pixel that shows no prism.
NO_PRISM = 0xFFFF
#: Class, in a key, of a pixel that shows ground; which class it is, is looked up last.
GROUND = 0xFF
#: Rows that are filled together.
BLOCK = 8


class Worlds(NamedTuple):
    """A camera and a `Scene`; arrays are those of `Prisms`, `Ground` and `Scene`."""

    camera: View
    boxes: NDArray[np.float64]
    classes: NDArray[np.uint8]
    tones: NDArray[np.uint8]
    counts: NDArray[np.int32]
    maps: NDArray[np.uint8]
    periods: NDArray[np.float64]
    map_index: NDArray[np.int32]
    poses: NDArray[np.float64]
    light: NDArray[np.float64]
    """(5,) see `light_parameters`."""
    ground_payloads: NDArray[np.int64]
    """(256,) see `ground_payloads`."""


class Scratch(NamedTuple):
    """Working memory of one thread, reused from world to world."""

    keys: NDArray[np.int64]
    """(W, H + padding): one key per pixel, column by column; see `spans`."""
    columns: NDArray[np.float64]
    """(W, 3): slope of each column's ray, right over forward; then its cover, an inverse depth, 1/m, and a
    whole row: what is farther than the one is hidden from the other down."""
    row_scale: NDArray[np.float32]
    """(H + padding,) forward depth, in each row, of a level plane 1 m below the camera, m."""
    next_in_bucket: NDArray[np.int64]
    """(P,)"""
    order: NDArray[np.int64]
    """(P,) prisms in view, near ones first."""
    rows: NDArray[np.int64]
    """(BLOCK, W) keys, row by row."""
    cells: NDArray[np.uint32]
    """(W,) cells of the ground's map under one image row."""


class Images(NamedTuple):
    """Where the pixels of N worlds go; an empty array where a modality is not asked for."""

    depth: NDArray[np.int32]
    """(N, H, W) the bits of float32."""
    semantic: NDArray[np.uint8]
    """(N, H, W)"""
    gray: NDArray[np.uint8]
    """(N, H, W)"""


def ground_payloads() -> NDArray[np.int64]:
    """List what to add to a ground pixel's key for each class, to fill in the class and its gray: (256,)."""
    table = np.zeros(256, np.int64)
    labels = np.arange(len(GRAY_LEVELS))
    table[labels] = (GRAY_LEVELS.astype(np.int64) << 8) + labels - GROUND
    return table


def pack_scene(scene: Scene, camera: Camera) -> Worlds:
    """Bring a scene and its camera into the form that kernels take.

    Raises:
        ValueError: too many prisms, or a ground map whose size is no power of two.
    """
    prisms, ground = scene.prisms, scene.ground
    rows, size = ground.maps.shape[1:]
    if rows != size or size & (size - 1):
        raise ValueError(f"ground maps are {rows} x {size}; allowed: square, the side a power of two")
    if prisms.classes.shape[1] > NO_PRISM:
        raise ValueError(f"{prisms.classes.shape[1]} prisms in a world; allowed: at most {NO_PRISM}")
    return Worlds(
        camera=View(camera.width, camera.height, camera.focal_px, camera.near, camera.far),
        boxes=np.ascontiguousarray(prisms.boxes),
        classes=np.ascontiguousarray(prisms.classes),
        tones=np.ascontiguousarray(prisms.tones),
        counts=np.ascontiguousarray(prisms.counts),
        maps=np.ascontiguousarray(ground.maps),
        periods=np.ascontiguousarray(ground.periods),
        map_index=np.ascontiguousarray(ground.index),
        poses=np.ascontiguousarray(scene.poses),
        light=light_parameters(),
        ground_payloads=ground_payloads(),
    )


def new_scratch(camera: Camera, prisms: int) -> Scratch:
    """Allocate working memory for images of a camera and up to `prisms` prisms."""
    # One block more than needed keeps the pixels of one image row out of each other's cache sets.
    padded = (camera.height // BLOCK + 2) * BLOCK
    columns = np.zeros((camera.width, 3))
    columns[:, 0] = (np.arange(camera.width) + 0.5 - 0.5 * camera.width) / camera.focal_px
    with np.errstate(divide="ignore"):
        row_scale = camera.focal_px / (np.arange(padded) + 0.5 - 0.5 * camera.height)
    return Scratch(
        keys=np.empty((camera.width, padded), np.int64),
        columns=columns,
        row_scale=row_scale.astype(np.float32),
        next_in_bucket=np.empty(prisms, np.int64),
        order=np.empty(prisms, np.int64),
        rows=np.empty((BLOCK, camera.width), np.int64),
        cells=np.empty(camera.width, np.uint32),
    )
