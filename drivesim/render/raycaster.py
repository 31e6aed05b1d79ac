"""The renderer that trains: column spans of upright prisms, many worlds in parallel threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivesim.kernels import kernel
from drivesim.render.background import draw_background, find_ground_cells, ground_payloads, look_up_ground
from drivesim.render.camera import Camera, Frames
from drivesim.render.plan import Eye, View
from drivesim.render.scene import Scene
from drivesim.render.shading import light_parameters
from drivesim.render.spans import BLOCK, NO_PRISM, Scratch, draw_prisms

#: What can be rendered, and how it is stored.
MODALITIES: dict[str, type[np.float32] | type[np.uint8]] = {
    "depth": np.float32,
    "semantic": np.uint8,
    "gray": np.uint8,
}


class Worlds(NamedTuple):
    """A `Scene` as kernels take it: the same arrays under the same names, and the light."""

    boxes: NDArray[np.float64]
    classes: NDArray[np.uint8]
    tones: NDArray[np.uint8]
    counts: NDArray[np.int32]
    maps: NDArray[np.uint8]
    periods: NDArray[np.float64]
    index: NDArray[np.int32]
    poses: NDArray[np.float64]
    light: NDArray[np.float64]
    ground_payloads: NDArray[np.int64]


class Images(NamedTuple):
    """Where the pixels of N worlds go; an empty array where a modality is not asked for."""

    depth: NDArray[np.int32]
    """(N, H, W) the bits of float32."""
    semantic: NDArray[np.uint8]
    gray: NDArray[np.uint8]


@kernel
def draw_world(n: int, worlds: Worlds, view: View, scratch: Scratch) -> tuple[Eye, int]:
    """Draw world n into the keys; return the camera's pose and the first row that shows ground."""
    yaw = worlds.poses[n, 3]
    eye = Eye(worlds.poses[n, 0], worlds.poses[n, 1], worlds.poses[n, 2], np.cos(yaw), np.sin(yaw))
    ground_row = draw_background(eye, view, scratch)
    draw_prisms(
        worlds.boxes[n],
        worlds.classes[n],
        worlds.tones[n],
        worlds.counts[n],
        eye,
        view,
        worlds.light,
        scratch,
    )
    return eye, ground_row


@kernel
def turn_rows(first: int, keys: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
    """Turn `BLOCK` rows of the keys, from row `first`, into `rows` (BLOCK, W): one cache line a column."""
    for c in range(rows.shape[1]):
        for i in range(BLOCK):
            rows[i, c] = keys[c, first + i]


@kernel
def store_depth(rows: NDArray[np.int64], n: int, first: int, depth: NDArray[np.int32]) -> None:
    for i in range(min(BLOCK, depth.shape[1] - first)):
        for c in range(depth.shape[2]):
            depth[n, first + i, c] = rows[i, c] >> 32


@kernel
def store_byte(rows: NDArray[np.int64], shift: int, n: int, first: int, image: NDArray[np.uint8]) -> None:
    for i in range(min(BLOCK, image.shape[1] - first)):
        for c in range(image.shape[2]):
            image[n, first + i, c] = (rows[i, c] >> shift) & 0xFF


@kernel
def resolve_world(n: int, eye: Eye, view: View, ground_row: int, keys: NDArray[np.int64], ground: NDArray[np.uint8], size: int, period: float, payloads: NDArray[np.int64],
   rows: NDArray[np.int64], cells: NDArray[np.uint32], depth: NDArray[np.int32], semantic: NDArray[np.uint8], gray: NDArray[np.uint8]) -> None:
    for first in range(0, view.height, BLOCK):
        turn_rows(first, keys, rows)
        for i in range(max(0, ground_row - first), min(BLOCK, view.height - first)):
            find_ground_cells(first + i, eye, view, size, period, cells)
            look_up_ground(cells, ground, payloads, rows, i)
        store_depth(rows, n, first, depth)
        store_byte(rows, 0, n, first, semantic)
        store_byte(rows, 8, n, first, gray)


@kernel
def render_worlds(first: int, end: int, worlds: Worlds, view: View, scratch: Scratch, images: Images) -> None:
    """Render worlds first to end - 1 into `images`."""
    rows, cells = np.empty((BLOCK, view.width), np.int64), np.empty(view.width, np.uint32)
    size = worlds.maps.shape[1]
    for n in range(first, end):
        eye, ground_row = draw_world(n, worlds, view, scratch)
        ground, period = worlds.maps[worlds.index[n]].reshape(-1), worlds.periods[worlds.index[n]]
        resolve_world(n, eye, view, ground_row, scratch.keys, ground, size, period, worlds.ground_payloads, rows, cells, images.depth, images.semantic, images.gray)


@kernel
def count_pixels(
    first: int, end: int, worlds: Worlds, view: View, scratch: Scratch, pixels: NDArray[np.int32]
) -> None:
    """Count the pixels that each prism of worlds first to end - 1 shows into `pixels` (N, P)."""
    for n in range(first, end):
        draw_world(n, worlds, view, scratch)
        for c in range(view.width):
            for r in range(view.height):
                p = (scratch.keys[c, r] >> 16) & 0xFFFF
                if p != NO_PRISM:
                    pixels[n, p] += 1


class RaycastRenderer:
    """Renders scenes exactly, pixel by pixel at pixel centres, whatever the number of threads."""

    def __init__(self, camera: Camera, modalities: Sequence[str], threads: int = 1) -> None:
        """Prepare to render.

        Args:
            camera: the camera of all worlds.
            modalities: any of `MODALITIES`; the others are left out of the frames.
            threads: how many threads share the worlds, at least 1.

        Raises:
            ValueError: an unknown modality, or no thread.
        """
        unknown = sorted(set(modalities) - set(MODALITIES))
        if unknown:
            raise ValueError(f"unknown modality {unknown[0]!r}; allowed: {', '.join(MODALITIES)}")
        if threads < 1:
            raise ValueError(f"threads is {threads}; allowed: 1 or more")
        self.camera = camera
        self.modalities = tuple(m for m in MODALITIES if m in modalities)
        self.threads = threads
        self._view = View(camera.width, camera.height, camera.focal_px, camera.near, camera.far)
        self._scratches: list[Scratch] = []
        self._pool: ThreadPoolExecutor | None = None

    def render(self, scene: Scene, out: Frames | None = None) -> Frames:
        """Render one image per world and modality.

        Args:
            scene: N worlds.
            out: C-contiguous arrays to write to, at least for the modalities asked for.

        Returns:
            (N, H, W) frames: `out` if given, else new arrays; None where a modality was not asked for.

        Raises:
            ValueError: an array of `out` or of the scene is not of the shape or kind needed.
        """
        count = len(scene.poses)
        frames = self._new_frames(count) if out is None else out
        images = Images(
            self._target("depth", frames.depth, count).view(np.int32),
            self._target("semantic", frames.semantic, count),
            self._target("gray", frames.gray, count),
        )
        self._share(render_worlds, scene, images)
        return frames

    def visible_owners(self, scene: Scene) -> NDArray[np.int32]:
        """Count the pixels that each prism finally shows: (N, P)."""
        pixels = np.zeros(scene.prisms.classes.shape, np.int32)
        self._share(count_pixels, scene, pixels)
        return pixels

    def close(self) -> None:
        """Stop the threads; harmless when already closed."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _new_frames(self, count: int) -> Frames:
        shape = (count, self.camera.height, self.camera.width)
        return Frames(
            depth=np.empty(shape, np.float32) if "depth" in self.modalities else None,
            semantic=np.empty(shape, np.uint8) if "semantic" in self.modalities else None,
            gray=np.empty(shape, np.uint8) if "gray" in self.modalities else None,
        )

    def _target(self, modality: str, array: NDArray[np.generic] | None, count: int) -> NDArray[np.generic]:
        """Check the array that a modality is written to; an empty one if it was not asked for."""
        if modality not in self.modalities:
            return np.empty((0, 0, 0), MODALITIES[modality])
        shape, dtype = (count, self.camera.height, self.camera.width), np.dtype(MODALITIES[modality])
        if array is None or array.shape != shape or array.dtype != dtype or not array.flags.c_contiguous:
            found = "None" if array is None else f"{array.dtype} {array.shape}"
            raise ValueError(f"out.{modality} is {found}; allowed: C-contiguous {dtype} {shape}")
        return array

    def _share(self, work: Callable[..., None], scene: Scene, result: object) -> None:
        """Run a kernel on all worlds, shared among the threads."""
        worlds = pack_scene(scene)
        count, prisms = scene.prisms.classes.shape
        if not self._scratches or len(self._scratches[0].order) < prisms:
            self._scratches = [new_scratch(self._view, prisms) for _ in range(self.threads)]
        if self.threads == 1 or count == 1:
            work(0, count, worlds, self._view, self._scratches[0], result)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads)
        limits = [count * i // self.threads for i in range(self.threads + 1)]
        jobs = [
            self._pool.submit(work, limits[i], limits[i + 1], worlds, self._view, self._scratches[i], result)
            for i in range(self.threads)
        ]
        for job in jobs:
            job.result()


def pack_scene(scene: Scene) -> Worlds:
    """Bring a scene into the form that kernels take.

    Raises:
        ValueError: too many prisms, or a ground map whose size is no power of two.
    """
    prisms, ground = scene.prisms, scene.ground
    size = ground.maps.shape[-1]
    if size & (size - 1) or ground.maps.shape[1] != size:
        raise ValueError(f"ground maps are {ground.maps.shape[1:]}; allowed: square, the side a power of two")
    if prisms.classes.shape[1] > NO_PRISM:
        raise ValueError(f"{prisms.classes.shape[1]} prisms in a world; allowed: at most {NO_PRISM}")
    arrays = (prisms.boxes, prisms.classes, prisms.tones, prisms.counts)
    arrays += (ground.maps, ground.periods, ground.index, scene.poses, light_parameters(), ground_payloads())
    return Worlds(*map(np.ascontiguousarray, arrays))


def new_scratch(view: View, prisms: int) -> Scratch:
    """Allocate working memory for images of `view` and up to `prisms` prisms."""
    # One block more than needed keeps the pixels of one image row out of each other's cache sets.
    padded = (view.height // BLOCK + 2) * BLOCK
    columns = np.zeros((view.width, 3))
    columns[:, 0] = (np.arange(view.width) + 0.5 - 0.5 * view.width) / view.focal
    with np.errstate(divide="ignore"):
        row_scale = view.focal / (np.arange(padded) + 0.5 - 0.5 * view.height)
    return Scratch(
        keys=np.empty((view.width, padded), np.int64),
        columns=columns,
        row_scale=row_scale.astype(np.float32),
        next_in_bucket=np.empty(prisms, np.int64),
        order=np.empty(prisms, np.int64),
    )
