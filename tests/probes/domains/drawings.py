"""Driving states drawn by hand: a plain street under a sky, and things put into it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drivesim.render.semantics import NUM_CLASSES, SemanticClass
from probes.domains.viewpoint import Viewpoint, make_viewpoint
from probes.states import Plane, StateLayout
from tests.towns import scenario

SEG4 = StateLayout((Plane("semantic", "class", NUM_CLASSES),), 4, 128, 128)
FULL8 = StateLayout(
    (Plane("depth", "level"), Plane("semantic", "class", NUM_CLASSES), Plane("gray", "level")), 8, 128, 128
)


def viewpoint() -> Viewpoint:
    """Make the viewpoint of `reasonable`: 1.4 m high, 1 m before the middle of a car of 4.5 m by 1.8 m."""
    return make_viewpoint(scenario())


def street(states: int = 1, layout: StateLayout = SEG4) -> NDArray[np.uint8]:
    """Draw states of sky down to row 64 and road below it; all other planes are 7."""
    stored = np.full((states, *layout.stored_shape), 7, np.uint8)
    plane = pictures(stored, layout)
    plane[:, :, :65], plane[:, :, 65:] = SemanticClass.SKY, SemanticClass.ROAD
    return stored


def pictures(stored: NDArray[np.uint8], layout: StateLayout = SEG4) -> NDArray[np.uint8]:
    """View the class plane, (B, T, H, W), to draw in."""
    return stored[:, :, 1 if layout is FULL8 else 0]


def put(
    picture: NDArray[np.uint8], semantic: SemanticClass, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    """Draw a box from the first row and column to the last, into each picture (..., H, W)."""
    picture[..., rows[0] : rows[1] + 1, columns[0] : columns[1] + 1] = semantic
