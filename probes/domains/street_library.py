"""Which street a picture shows: it is compared with what the ego sees along the blocks of the town."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from drivesim.render.semantics import SemanticClass
from probes.domains.scenes import LIGHTS, MOVING, class_pictures
from probes.domains.town_sketch import EGO, Canvas, Floats, Sketch, Sketcher

EPISODE = 0
"""Whose map is taken, where a scenario draws them."""
BLOCKS = 4096
"""Blocks that are tried; their buildings differ."""
ALIKE = 2
"""Blocks along which all of `COMMON` is drawn."""
SPACING = 1.0
"""m between the pictures of a block."""
TRIED = 2
"""Places within a block that are tried in all blocks."""
DRAWN_AT_ONCE = 256
COMMON = (
    SemanticClass.ROAD,
    SemanticClass.LANE_MARKING,
    SemanticClass.CROSSWALK,
    SemanticClass.SIDEWALK,
    SemanticClass.POLE,
    SemanticClass.LIGHT_RED,
)
"""Classes that look the same in all blocks, lights being all red."""

_LIGHT = int(SemanticClass.LIGHT_RED)
_HIDDEN = 255
"""Stands where whoever moves hides the street."""


def street_of(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return pictures (..., H, W) of what does not move or change: lights are all red, who moves is 255."""
    table = np.arange(256, dtype=np.uint8)
    table[list(LIGHTS)] = _LIGHT
    table[list(MOVING)] = _HIDDEN
    street = cv2.LUT(np.ascontiguousarray(pictures).reshape(-1, pictures.shape[-1]), table)
    return np.asarray(street, np.uint8).reshape(pictures.shape)


class StreetLibrary:
    """What the ego sees from the middle of its lane: along a few blocks, and from any place in all of them.

    Args:
        sketcher: of the scenario.
    """

    def __init__(self, sketcher: Sketcher) -> None:
        self._sketcher = sketcher
        self._newest = replace(sketcher.layout, stack=1)
        town = sketcher.begun(EPISODE, 1, 0, 0).town[0]
        self.block_length = float(town["block_length"])
        middles = (np.arange(round(float(town["lanes"]))) + 0.5) * float(town["lane_width"])
        self.lanes = tuple(float(lane) for lane in (*-middles[::-1], *middles))
        """m, of the middles of lanes from a road's middle, to the left of who goes along it."""
        self.y = self.lanes[0]
        """m, of the ego's lane: the rightmost."""
        self._along = np.arange(0.0, self.block_length, SPACING)
        self._pictures = self._draw(
            np.concatenate([self._along + k * self.block_length for k in range(ALIKE)])
        )

    def find(self, picture: NDArray[np.uint8]) -> float:
        """Return where (m) along the town the street is most like that of a picture (H, W).

        First the place within a block, by what all blocks have alike: the road and what is painted on it,
        posts and lights. Then the block, by all that is seen.
        """
        street = street_of(picture)
        fit = _mean_overlap(self._pictures, street).reshape(ALIKE, -1).max(0)
        places = self._along[np.argsort(-fit)[:TRIED]]
        x = (np.arange(BLOCKS)[:, None] * self.block_length + places).ravel()
        seen = street != _HIDDEN
        alike = ((self._draw(x) == street) & seen).sum((1, 2))
        return float(x[alike.argmax()])

    def _draw(self, x: Floats) -> NDArray[np.uint8]:
        """Return what is seen at some x (L,), as `street_of` returns it, (L, H, W)."""
        # One of its own for each call: several threads may look for places at once.
        canvas = Canvas(self._sketcher, Sketch(EPISODE, 0, np.zeros(EGO)), DRAWN_AT_ONCE, np.zeros(1))
        parts = []
        for start in range(0, len(x), DRAWN_AT_ONCE):
            numbers = np.zeros((DRAWN_AT_ONCE, EGO))
            numbers[:, 0], numbers[:, 1] = np.resize(x[start : start + DRAWN_AT_ONCE], DRAWN_AT_ONCE), self.y
            stored = canvas.draw(numbers)[: len(x) - start]
            parts.append(street_of(class_pictures(stored, self._newest)[:, 0]))
        return np.concatenate(parts)


def _mean_overlap(pictures: NDArray[np.uint8], street: NDArray[np.uint8]) -> Floats:
    """Return how much of each class of `COMMON` streets (L, H, W) share with one (H, W): (L,), the mean."""
    seen = street != _HIDDEN
    wanted, found = street[seen], pictures[:, seen]
    total, classes = np.zeros(len(pictures)), np.zeros(len(pictures))
    for semantic in COMMON:
        one, two = wanted == semantic, found == semantic
        union = (one | two).sum(1)
        total += (one & two).sum(1) / np.maximum(union, 1)
        classes += union > 0
    mean: Floats = total / np.maximum(classes, 1)
    return mean
