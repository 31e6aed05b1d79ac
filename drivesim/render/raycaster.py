"""The renderer that trains: column spans of upright prisms, many worlds in parallel threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from drivesim.render.camera import Camera, Frames
from drivesim.render.packing import Images, Scratch, Worlds, new_scratch, pack_scene
from drivesim.render.pixels import count_pixels, render_worlds
from drivesim.render.scene import Scene

#: What can be rendered.
MODALITIES = ("depth", "semantic", "gray")

Result = TypeVar("Result")
Pixel = TypeVar("Pixel", np.float32, np.uint8)


class RaycastRenderer:
    """Renders scenes exactly at pixel centres; the frames depend neither on the batch nor on the threads.

    One call at a time: renderers keep working memory between calls.
    """

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
        shape = (len(scene.poses), self.camera.height, self.camera.width)
        frames = self._new_frames(shape) if out is None else out
        images = Images(
            depth=self._target("depth", frames.depth, shape, np.float32).view(np.int32),
            semantic=self._target("semantic", frames.semantic, shape, np.uint8),
            gray=self._target("gray", frames.gray, shape, np.uint8),
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

    def _new_frames(self, shape: tuple[int, ...]) -> Frames:
        """Allocate frames for the modalities asked for."""
        return Frames(
            depth=np.empty(shape, np.float32) if "depth" in self.modalities else None,
            semantic=np.empty(shape, np.uint8) if "semantic" in self.modalities else None,
            gray=np.empty(shape, np.uint8) if "gray" in self.modalities else None,
        )

    def _target(
        self, modality: str, array: NDArray[Pixel] | None, shape: tuple[int, ...], dtype: type[Pixel]
    ) -> NDArray[Pixel]:
        """Check the array that a modality is written to; an empty one if it was not asked for."""
        if modality not in self.modalities:
            return np.empty((0, 0, 0), dtype)
        if array is None or array.shape != shape or array.dtype != dtype or not array.flags.c_contiguous:
            found = "None" if array is None else f"{array.dtype} {array.shape}"
            raise ValueError(f"out.{modality} is {found}; allowed: C-contiguous {np.dtype(dtype)} {shape}")
        return array

    def _share(
        self, work: Callable[[int, int, Worlds, Scratch, Result], None], scene: Scene, result: Result
    ) -> None:
        """Run a kernel on all worlds, shared among the threads."""
        worlds = pack_scene(scene, self.camera)
        count, prisms = scene.prisms.classes.shape
        if not self._scratches or len(self._scratches[0].order) < prisms:
            self._scratches = [new_scratch(self.camera, prisms) for _ in range(self.threads)]
        if self.threads == 1 or count == 1:
            work(0, count, worlds, self._scratches[0], result)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads)
        limits = [count * i // self.threads for i in range(self.threads + 1)]
        jobs = [
            self._pool.submit(work, first, end, worlds, scratch, result)
            for first, end, scratch in zip(limits, limits[1:], self._scratches, strict=False)
        ]
        for job in jobs:
            job.result()
