"""How much a drawing is like a driving state: by pixels, by levels, and by each car, person and light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from drivesim.render.semantics import SemanticClass
from probes.domains.scenes import LIGHTS, class_pictures
from probes.domains.town_sketch import Floats
from probes.states import StateLayout

THINGS = (SemanticClass.CAR, SemanticClass.PERSON, *LIGHTS)
"""Of which each piece must be found again."""
MIN_PIXELS = 3
"""Of a piece that counts; a person 28 m away has about that many."""
LEAST_OVERLAP = 0.5
"""Intersection over union from which on a piece is found again."""
MARGIN = 2
"""Pixels around a thing in which what is drawn of its class counts as it."""
_OVERLAP_WEIGHT, _THING_WEIGHT, _LEVEL_WEIGHT = 0.2, 0.2, 0.5
"""Beside the share of pixels that differ."""
_PIECE_WEIGHT = 0.5
"""Within a region."""
_OTHER_LEVEL = 8.0
"""Levels from which on one counts as another within a region; of depth 2.5 m."""


@dataclass(frozen=True)
class Thing:
    """A car, a person or a light of the newest frame."""

    semantic: int
    area: int
    overlap: float
    """Intersection over union with what is drawn of it."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A connected piece of a car, a person or a light in a picture."""

    semantic: int
    box: tuple[slice, slice]
    """Rows and columns, with a margin."""
    mask: NDArray[np.bool_]
    """Of the box."""
    elsewhere: NDArray[np.bool_]
    """Of the box, what of its class is no part of it: other pieces are judged for themselves."""

    @property
    def extent(self) -> tuple[int, int, int, int]:
        """Return its first row, the row below its last, its first column, and the column after its last."""
        edges = []
        for axis, side in ((1, self.box[0]), (0, self.box[1])):
            filled = np.flatnonzero(self.mask.any(axis))
            edges += [side.start + int(filled[0]), side.start + int(filled[-1]) + 1]
        top, bottom, left, right = edges
        return top, bottom, left, right

    def overlaps(self, pictures: NDArray[np.uint8]) -> Floats:
        """Return the intersection over union (P,) with what pictures (P, H, W) show of its class there."""
        made = (pictures[:, *self.box] == self.semantic) & ~self.elsewhere
        union = (made | self.mask).sum((1, 2))
        overlaps: Floats = (made & self.mask).sum((1, 2)) / union
        return overlaps


def pieces_of(picture: NDArray[np.uint8]) -> list[Piece]:
    """Return the pieces of `THINGS` in a class picture (H, W), of at least 3 pixels."""
    pieces = []
    for semantic in THINGS:
        found = (picture == semantic).astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(found, connectivity=8)
        for number, (left, top, width, height, area) in enumerate(stats.tolist()):
            if number and area >= MIN_PIXELS:
                box = (
                    slice(max(top - MARGIN, 0), top + height + MARGIN),
                    slice(max(left - MARGIN, 0), left + width + MARGIN),
                )
                mask, others = labels[box] == number, (labels[box] != 0) & (labels[box] != number)
                pieces.append(Piece(int(semantic), box, mask, others))
    return pieces


class Wanted:
    """What drawings are compared with: a stored state (T, M, H, W)."""

    def __init__(self, stored: NDArray[np.uint8], layout: StateLayout) -> None:
        self._layout = layout
        self._classes = class_pictures(stored[None], layout)[0]
        self._levels = [where for plane, _, where in layout.slices() if plane.kind == "level"]
        self._stored = stored
        self.pieces = pieces_of(self._classes[-1])
        self._masks = {semantic: self._classes == semantic for semantic in THINGS}

    def cost(self, drawn: NDArray[np.uint8]) -> Floats:
        """Return how unlike drawings (P, T, M, H, W) are, (P,): by pixels, by things, and by levels."""
        classes = class_pictures(drawn, self._layout)
        differs = _counts(classes != self._classes) / self._classes.size
        cost: Floats = differs + _OVERLAP_WEIGHT * (1 - self._overlaps(classes))
        for piece in self.pieces:
            cost += _THING_WEIGHT / len(self.pieces) * (1 - piece.overlaps(classes[:, -1]))
        for where in self._levels:
            gap = np.abs(drawn[:, :, where].astype(np.int16) - self._stored[:, where].astype(np.int16))
            cost += _LEVEL_WEIGHT * gap.mean((1, 2, 3, 4)) / 255
        return cost

    def cost_within(self, drawn: NDArray[np.uint8], region: NDArray[np.bool_]) -> Floats:
        """Return how unlike drawings (P, T, M, H, W) are in a region (T, H, W), (P,)."""
        if not region.any():
            return np.zeros(len(drawn))
        classes = class_pictures(drawn, self._layout)
        cost: Floats = (classes[:, region] != self._classes[region]).mean(1)
        inside = [piece for piece in self.pieces if region[-1][piece.box][piece.mask].all()]
        for piece in inside:
            cost += _PIECE_WEIGHT / len(inside) * (1 - piece.overlaps(classes[:, -1]))
        for where in self._levels:
            for plane in range(where.start, where.stop):
                made, wanted = (of[..., plane, :, :].astype(np.int16) for of in (drawn, self._stored))
                gap = np.abs(made[:, region] - wanted[region]) / _OTHER_LEVEL
                cost += np.minimum(gap, 1.0).mean(1)
        return cost

    def _overlaps(self, classes: NDArray[np.uint8]) -> Floats:
        """Return the mean intersection over union (P,) of the things that are there or drawn."""
        parts, is_there = [], []
        for semantic, mask in self._masks.items():
            made = classes == semantic
            shared = made[:, mask].sum(1)
            union = np.count_nonzero(mask) + _counts(made) - shared
            is_there.append(union > 0)
            parts.append(np.divide(shared, union, out=np.zeros(len(made)), where=union > 0))
        count = np.sum(is_there, axis=0)
        overlaps: Floats = np.where(count > 0, np.sum(parts, axis=0) / np.maximum(count, 1), 1.0)
        return overlaps

    def missing(self, drawn: NDArray[np.uint8], classes: Sequence[SemanticClass]) -> list[Piece]:
        """Return the pieces of some classes that a drawing (1, T, M, H, W) does not show well enough."""
        newest = class_pictures(drawn, self._layout)[:, -1]
        asked = [piece for piece in self.pieces if piece.semantic in classes]
        return [piece for piece in asked if piece.overlaps(newest)[0] < LEAST_OVERLAP]

    def agreement(self, drawn: NDArray[np.uint8]) -> float:
        """Return the share of pixels of a drawing (1, T, M, H, W) whose class is the state's."""
        return float((class_pictures(drawn, self._layout)[0] == self._classes).mean())


def _counts(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the flags that are set of each of P (P, ...); a sum over axes takes several times as long."""
    return np.array([np.count_nonzero(one) for one in flags], np.int64)


def find_things(
    stored: NDArray[np.uint8], drawn: NDArray[np.uint8], layout: StateLayout
) -> tuple[Thing, ...]:
    """Look for each thing of a state's newest frame, of at least 3 pixels, in a drawing (T, M, H, W)."""
    wanted, made = (class_pictures(of[None], layout)[0, -1] for of in (stored, drawn))
    return tuple(
        Thing(piece.semantic, int(piece.mask.sum()), float(piece.overlaps(made[None])[0]))
        for piece in pieces_of(wanted)
    )
