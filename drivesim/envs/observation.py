"""From rendered frames to what an agent sees: quantised, noisy if the scenario says so, stacked."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from drivesim.render.camera import Frames
from drivesim.render.semantics import NUM_CLASSES
from drivesim.scenario.schema import Noise, Scenario
from drivesim.world.random import NOISE
from drivesim.world.state import Records


def quantise_depth(depth: NDArray[np.float32], far: float) -> NDArray[np.uint8]:
    """Scale depth (m) by the camera's range to 0..255, rounded to the nearest."""
    return (depth * np.float32(255.0 / far) + np.float32(0.5)).astype(np.uint8)


def add_noise(
    planes: NDArray[np.uint8], modalities: tuple[str, ...], noise: Noise, far: float, key: int
) -> None:
    """Disturb one world's newest frame in place.

    Args:
        planes: (M, H, W), as observed.
        modalities: what each plane is.
        noise: standard deviations and flip probability.
        far: the camera's range, m.
        key: of the noise; the same key gives the same noise.
    """
    rng = np.random.Generator(np.random.Philox(key=key))
    deviations = {"depth": noise.depth_std * 255.0 / far, "gray": noise.gray_std}
    for plane, modality in zip(planes, modalities, strict=True):
        if modality == "semantic":
            flips = rng.random(plane.shape, np.float32) < noise.class_flip
            plane[flips] = rng.integers(0, NUM_CLASSES, int(flips.sum()), np.uint8)
        elif deviations[modality] > 0.0:
            noisy = plane + rng.standard_normal(plane.shape, np.float32) * np.float32(deviations[modality])
            plane[...] = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def frames_seen(scenario: Scenario) -> int:
    """Return how many of the last frames a stack reaches back over, L; it shows every `stack_stride`-th."""
    return (scenario.stack - 1) * scenario.stack_stride + 1


class FrameStack:
    """The last frames of N worlds, and the stacks made of them.

    An episode's first frame stands for those before it, so a stack never crosses an episode's start.
    """

    def __init__(self, scenario: Scenario, worlds: int) -> None:
        camera = scenario.camera
        self.modalities: tuple[str, ...] = tuple(scenario.modalities)
        self._noise, self._far = scenario.noise, camera.far
        length = frames_seen(scenario)
        self._offsets = np.arange(0, length, scenario.stack_stride)
        self.frames = np.zeros((worlds, length, len(self.modalities), camera.height, camera.width), np.uint8)
        """(N, L, M, H, W), a ring; the newest frame is at `head`."""
        self.head = 0
        self.shape = (scenario.stack, len(self.modalities), camera.height, camera.width)
        """Of one world's stack: (stack, modalities, H, W)."""

    @property
    def space(self) -> spaces.Box:
        """The space of one world's stack."""
        return spaces.Box(0, 255, self.shape, np.uint8)

    @property
    def space_by_modality(self) -> spaces.Dict:
        """The space of one world's stack, apart by modality."""
        shape = (self.shape[0], *self.shape[2:])
        return spaces.Dict({name: spaces.Box(0, 255, shape, np.uint8) for name in self.modalities})

    def push(self, frames: Frames, towns: Records, fresh: NDArray[np.bool_]) -> None:
        """Take in one frame per world.

        Args:
            frames: as rendered.
            towns: (N,) of `TOWN`, whose seed and clock key the noise.
            fresh: (N,) which worlds start an episode with this frame.
        """
        self.head = (self.head + 1) % self.frames.shape[1]
        newest = self.frames[:, self.head]
        self._write(newest, frames, towns)
        for n in np.flatnonzero(fresh):
            self.frames[n] = newest[n]

    def replace(self, frames: Frames, towns: Records, worlds: NDArray[np.bool_]) -> None:
        """Start episodes anew in some worlds without moving on in the others."""
        rendered = np.zeros_like(self.frames[:, 0])
        self._write(rendered, frames, towns)
        for n in np.flatnonzero(worlds):
            self.frames[n] = rendered[n]

    def stacks(self) -> NDArray[np.uint8]:
        """Return a new array (N, stack, M, H, W), oldest frame first."""
        length = self.frames.shape[1]
        return self.frames.take((self.head + 1 + self._offsets) % length, axis=1)

    def stacks_by_modality(self) -> dict[str, NDArray[np.uint8]]:
        """Return a new array (N, stack, H, W) per modality, oldest frame first."""
        stacks = self.stacks()
        return {name: stacks[:, :, m].copy() for m, name in enumerate(self.modalities)}

    def history(self) -> NDArray[np.uint8]:
        """Copy all frames kept, (N, L, M, H, W), oldest first."""
        length = self.frames.shape[1]
        return self.frames[:, (self.head + 1 + np.arange(length)) % length]

    def restore(self, history: NDArray[np.uint8]) -> None:
        """Go on from what `history` returned.

        Raises:
            ValueError: if it is of another shape.
        """
        if history.shape != self.frames.shape:
            raise ValueError(f"snapshot frames: found {history.shape}, allowed is {self.frames.shape}")
        self.head = self.frames.shape[1] - 1
        self.frames[:] = history

    def _write(self, out: NDArray[np.uint8], frames: Frames, towns: Records) -> None:
        """Write what was rendered, and its noise, to (N, M, H, W); nothing where nothing was."""
        if frames.depth is None and frames.semantic is None and frames.gray is None:
            return
        for m, modality in enumerate(self.modalities):
            if modality == "depth" and frames.depth is not None:
                out[:, m] = quantise_depth(frames.depth, self._far)
            elif modality == "semantic" and frames.semantic is not None:
                out[:, m] = frames.semantic
            elif frames.gray is not None:
                out[:, m] = frames.gray
        if self._noise.depth_std or self._noise.gray_std or self._noise.class_flip:
            for n, town in enumerate(towns):
                key = (int(town["seed"]) << 64) + (int(town["tick"]) << 8) + NOISE
                add_noise(out[n], self.modalities, self._noise, self._far, key)
