"""Random streets for the renderers' tests: buildings, poles, cars, people, trees and lights along a road."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivesim.render.scene import Ground, Prisms, Scene
from drivesim.render.semantics import SemanticClass

PERIOD = 100.0
"""m, of the ground's map."""


def box(
    x: float, y: float, yaw: float, half: tuple[float, float], bottom: float, top: float
) -> tuple[float, ...]:
    """Return a row of `Prisms.boxes`."""
    return (x, y, float(np.cos(yaw)), float(np.sin(yaw)), *half, bottom, top)


def street_prism(kind: int, rng: np.random.Generator) -> tuple[SemanticClass, tuple[float, ...]]:
    """Draw the class and the box of one prism beside or on a road along +x, clear of the camera."""
    x, side = rng.uniform(-70, 70), rng.choice([-1.0, 1.0])
    if kind < 4:
        half = (rng.uniform(3, 8), rng.uniform(3, 6))
        return SemanticClass.BUILDING, box(x, side * rng.uniform(16, 50), 0.0, half, 0, rng.uniform(4, 20))
    if kind < 6:
        return SemanticClass.POLE, box(x, side * rng.uniform(6, 9), 0.0, (0.08, 0.08), 0, rng.uniform(2, 6))
    if kind == 6:
        ahead = rng.choice([-1.0, 1.0]) * rng.uniform(8, 70)
        return SemanticClass.CAR, box(ahead, rng.uniform(-5, 5), rng.normal(0, 0.1), (2.2, 0.9), 0.2, 1.5)
    if kind == 7:
        return SemanticClass.PERSON, box(
            x, side * rng.uniform(2, 9), rng.uniform(-3, 3), (0.15, 0.25), 0, 1.7
        )
    if kind == 8:
        half = (rng.uniform(0.5, 2), rng.uniform(0.5, 2))
        return SemanticClass.VEGETATION, box(x, side * rng.uniform(8, 12), 0.4, half, 1.5, rng.uniform(2, 5))
    return SemanticClass.LIGHT_RED, box(x, side * rng.uniform(3, 9), 0.0, (0.15, 0.15), 2.5, 3.3)


def road_map() -> NDArray[np.uint8]:
    """Return a class map (1, 256, 256) of a road along +x through y = 0 with lane marks and crosswalks."""
    y = (np.arange(256) + 0.5) / 256 * PERIOD
    offset = np.abs(np.where(y > PERIOD / 2, y - PERIOD, y))
    across = np.select(
        [offset < 0.2, offset < 6, offset < 9],
        [SemanticClass.LANE_MARKING, SemanticClass.ROAD, SemanticClass.SIDEWALK],
        SemanticClass.VEGETATION,
    ).astype(np.uint8)
    plan = np.repeat(across[:, None], 256, axis=1)
    plan[offset < 6, ::16] = SemanticClass.CROSSWALK
    return plan[None]


def street_scene(seed: int, worlds: int = 1, prisms: int = 120, origin: float = 0.0) -> Scene:
    """Build streets with cameras on the road that look roughly along it; `origin` (m) shifts all in x."""
    rng = np.random.default_rng(seed)
    drawn = [[street_prism(p % 10, rng) for p in range(prisms)] for _ in range(worlds)]
    boxes = np.array([[one for _, one in world] for world in drawn])
    boxes[..., 0] += origin
    zero = np.zeros(worlds)
    poses = np.column_stack(
        [
            rng.uniform(-3, 3, worlds) + origin,
            rng.uniform(-1, 1, worlds),
            zero + 1.4,
            rng.normal(0, 0.5, worlds),
        ]
    )
    return Scene(
        Prisms(
            boxes=boxes,
            classes=np.array([[label for label, _ in world] for world in drawn], np.uint8),
            tones=rng.integers(30, 255, (worlds, prisms), dtype=np.uint8),
            owners=np.full((worlds, prisms), -1, np.int16),
            counts=np.full(worlds, prisms, np.int32),
        ),
        Ground(road_map(), np.array([PERIOD]), np.zeros(worlds, np.int32)),
        poses,
    )
