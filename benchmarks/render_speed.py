"""Speed of the ray caster on a made-up street: buildings along a corridor, cars, people, poles.

Run with `python -m benchmarks.render_speed`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drivesim.render.camera import Camera
from drivesim.render.raycaster import RaycastRenderer
from drivesim.render.scene import Ground, Prisms, Scene
from drivesim.render.semantics import SemanticClass as C


def street_boxes(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Build one world's prisms: (P, 8) boxes and (P,) classes of a street along x with cross streets."""
    rows: list[tuple[float, ...]] = []
    labels: list[int] = []

    def add(
        label: C, x: float, y: float, yaw: float, size: tuple[float, float], z: tuple[float, float]
    ) -> None:
        rows.append((x, y, np.cos(yaw), np.sin(yaw), size[0] / 2, size[1] / 2, *z))
        labels.append(int(label))

    for side in (-1, 1):
        for i in range(-6, 14):  # two rows of buildings; every fifth lot is a cross street
            if i % 5 == 0:
                continue
            for depth in (15.0, 30.0, 60.0):
                height = float(rng.uniform(6, 25))
                add(C.BUILDING, 10.0 * i, side * depth, 0.0, (9.5, 12.0), (0.0, height))
        for i in range(-3, 8):
            add(C.POLE, 16.0 * i, side * 7.5, 0.0, (0.2, 0.2), (0.0, 5.0))
            add(C.VEGETATION, 16.0 * i + 8, side * 8.0, 0.4, (0.3, 0.3), (0.0, 2.2))
            add(C.VEGETATION, 16.0 * i + 8, side * 8.0, 0.4, (2.4, 2.4), (2.2, 5.0))
    for _ in range(12):
        x, y, yaw = rng.uniform(-30, 80), rng.choice([-5.2, -1.75, 1.75, 5.2]), rng.normal(0, 0.05)
        add(C.CAR, x, y, yaw, (4.5, 1.8), (0.25, 0.9))
        add(C.CAR, x - 0.2 * np.cos(yaw), y - 0.2 * np.sin(yaw), yaw, (2.4, 1.6), (0.9, 1.45))
    for _ in range(24):
        x, y, yaw = rng.uniform(-30, 80), rng.uniform(-9, 9), rng.uniform(-3, 3)
        add(C.PERSON, x, y, yaw, (0.3, 0.45), (0.0, 1.45))
        add(C.PERSON, x, y, yaw, (0.22, 0.2), (1.45, 1.75))
    return np.array(rows), np.array(labels, np.uint8)


def street_scene(worlds: int, seed: int = 0) -> Scene:
    """Build N worlds of a street, each seen from a car on it."""
    rng = np.random.default_rng(seed)
    built = [street_boxes(rng) for _ in range(worlds)]
    boxes, classes = np.stack([b for b, _ in built]), np.stack([c for _, c in built])
    poses = np.stack(
        [
            rng.uniform(-8, 8, worlds),
            np.full(worlds, -1.75),
            np.full(worlds, 1.3),
            rng.normal(0, 0.1, worlds),
        ],
        axis=1,
    )
    size, period = 1024, 160.0
    y = (np.arange(size) + 0.5) / size * period
    y = np.minimum(y, period - y)
    lane = np.where(y < 0.1, C.LANE_MARKING, np.where(y < 7, C.ROAD, C.SIDEWALK)).astype(np.uint8)
    maps = np.repeat(lane[:, None], size, axis=1)[None]
    maps[:, :, ::64] = C.CROSSWALK
    return Scene(
        Prisms(
            boxes=boxes,
            classes=classes,
            tones=rng.integers(40, 230, classes.shape, dtype=np.uint8),
            owners=np.full(classes.shape, -1, np.int16),
            counts=np.full(worlds, classes.shape[1], np.int32),
        ),
        Ground(maps=maps, periods=np.array([period]), index=np.zeros(worlds, np.int32)),
        poses,
    )


def frames_per_second(
    modalities: Sequence[str], worlds: int = 64, threads: int = 1, repeats: int = 50
) -> float:
    """Measure the best of several renderings of `street_scene` at 128x128, in frames per second."""
    scene = street_scene(worlds)
    renderer = RaycastRenderer(Camera(), modalities, threads)
    try:
        frames = renderer.render(scene)
        best = np.inf
        for _ in range(repeats):
            start = time.perf_counter()
            renderer.render(scene, frames)
            best = min(best, time.perf_counter() - start)
    finally:
        renderer.close()
    return worlds / best


if __name__ == "__main__":
    print(f"prisms: {street_scene(1).prisms.classes.shape[1]}")
    for modalities in (("depth", "semantic", "gray"), ("semantic",)):
        print(f"{'+'.join(modalities)}: {frames_per_second(modalities):,.0f} frames/s")
